"""The table of wrong calls: every public argument with every kind of value."""
