"""The initializers: classes, factories with the names of the R interface, and look-up by name."""
