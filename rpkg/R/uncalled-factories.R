# Factories given uncalled, as in `kernel_initializer = initializer_he_normal`. Keras gets the
# initializer that a call without arguments returns; it treats its own classes in the same way.

# The class lets r_to_py() recognize them. Attached here, after initializers.R has defined them.
local({
  namespace <- parent.env(environment())
  helpers <- c("initializer_function", "initializer_object")
  for (name in setdiff(grep("^initializer_", ls(namespace), value = TRUE), helpers)) {
    factory <- get(name, namespace)
    assign(name, structure(factory, class = c("pyinit_factory", "function")), envir = namespace)
  }
})

# The initializer that a factory returns; any other object unchanged.
as_called <- function(x) {
  if (inherits(x, "pyinit_factory")) x() else x
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_factory <- function(x, convert = FALSE) {
  reticulate::r_to_py(as_called(x))
}

#' @export
summary.pyinit_factory <- function(object, ...) object

# Without its class, which would be shown at the end.
#' @export
print.pyinit_factory <- function(x, ...) {
  print(unclass(x), ...)
  invisible(x)
}
