# Arrays that pass between Python and R without a copy: see src/arrow_transfer.h.
#
# A transfer is a list with the external pointer that owns it and its address for Python.

#' @useDynLib pyinit, .registration = TRUE
NULL

# A transfer for an array that Python is about to move in.
allocate_transfer <- function(bytes = 0) {
  .Call(new_arrow_transfer, bytes)
}

# The array that Python has moved in, as an R array of that shape. `shared` says whether Python may
# still read or write it.
receive_array <- function(pointer, shape, shared) {
  .Call(import_array, pointer, as_dim(shape, "x"), shared)
}

# A transfer with an R array for Python to move out, the shape, and whether it is logical. `name`
# and `allowed` are for the errors.
send_array <- function(x, name = "x",
                       allowed = "a double, integer or logical array without a class") {
  if (!(is.numeric(x) || is.logical(x)) || is.object(x)) {
    stop_type(name, x, allowed)
  }
  if (!is.double(x) && anyNA(x)) {
    stop_argument(name, x, paste(allowed, "and, unless of doubles, without NA"))
  }
  shape <- as.double(if (is.null(dim(x))) length(x) else dim(x))
  c(.Call(export_array, x), list(shape = shape, logical = is.logical(x)))
}

# A NumPy array over the memory of an R array. With `is_scalar`, a vector of length 1 becomes a
# scalar.
numpy_view <- function(x, ..., is_scalar = FALSE) {
  receive <- bridge()$receive_array
  sent <- send_array(x, ...)
  shape <- if (is_scalar && identical(sent$shape, 1) && is.null(dim(x))) list() else sent$shape
  call_python(receive(sent$address, as.list(shape), sent$logical))
}

# The address of the values of a double vector, in decimal.
data_address <- function(x) {
  .Call(values_address, x)
}
