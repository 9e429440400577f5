# Initializers that get_initializer() makes from arrays.

# A function that returns the array for its own shape. A Keras layer gets the Python object.
array_initializer <- function(values) {
  check_missing("identifier", values)
  state <- new.env(parent = emptyenv())
  state$values <- values
  keep_python_object(state, array_object(values))
  array_initializer_function(state)
}

# Defined outside array_initializer(), so that its environment holds the state and nothing else.
array_initializer_function <- function(state) {
  # a promise would hold the environment of the caller
  force(state)
  structure(
    function(shape, dtype = NULL, ...) {
      if (missing(shape)) stop_missing("shape", ...)
      check_dtype(dtype, shape, ...)
      check_dots_empty(...)
      draw_array(draw_function(array_initializer_object(state)), shape, dtype)
    },
    class = c("pyinit_array_initializer", "function")
  )
}

array_object <- function(values) {
  call_python(python_package()$get(as_numpy(values)))
}

array_initializer_object <- function(state) {
  object <- find_python_object(state)
  if (is.null(object)) keep_python_object(state, array_object(state$values)) else object
}

#' @export
summary.pyinit_array_initializer <- function(object, ...) object

#' @export
format.pyinit_array_initializer <- function(x, ...) {
  paste("<pyinit initializer>", show_value(x))
}

#' @export
print.pyinit_array_initializer <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @importFrom utils str
#' @export
str.pyinit_array_initializer <- function(object, ...) {
  cat(" ", format(object), "\n", sep = "")
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_array_initializer <- function(x, convert = FALSE) {
  array_initializer_object(state_of(x))
}
