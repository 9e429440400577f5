# Arrays that cross between Python and R without a copy.

#' @useDynLib pyinit, .registration = TRUE
NULL

# The Python functions through which arrays cross, kept: looking one up takes longer than a call.
crossings <- function() {
  if (is.null(session$crossings)) {
    module <- bridge()
    module$announce_exit(.Call(python_gone_address))
    session$crossings <- list(
      draw = module$draw,
      send = module$send_array,
      receive = module$receive_array
    )
  }
  session$crossings
}

# What a call of an initializer gives, as an R array: a double vector over the memory that Python
# has filled, which nobody else holds.
draw_array <- function(initializer, shape, dtype = NULL, partition_shape = NULL,
                       partition_offset = NULL, device = NULL) {
  shape <- as_sizes("shape", shape)
  check_missing(list(dtype = dtype, device = device))
  if (!is.null(partition_shape)) {
    partition_shape <- as_sizes("partition_shape", partition_shape)
  }
  if (!is.null(partition_offset)) {
    partition_offset <- as_sizes("partition_offset", partition_offset)
  }
  part <- if (is.null(partition_shape)) shape else partition_shape
  dim <- as_dim(part, if (is.null(partition_shape)) "shape" else "partition_shape")
  draw <- crossings()$draw
  crossing <- open_crossing(8 * prod(part))
  call_python(draw(
    initializer, as.list(shape), dtype,
    if (!is.null(partition_shape)) as.list(partition_shape),
    if (!is.null(partition_offset)) as.list(partition_offset),
    device, crossing$addresses
  ))
  .Call(import_array, crossing$pointer, dim, FALSE)
}

# A crossing, through which an array of so many bytes is about to come to R: what owns it, and the
# addresses that Python is told.
open_crossing <- function(bytes = 0) {
  pointer <- .Call(crossing_allocate, bytes)
  list(pointer = pointer, addresses = .Call(crossing_addresses, pointer))
}

# The array of that shape that Python has moved into a crossing, and may still share.
receive_array <- function(pointer, shape, shared) {
  .Call(import_array, pointer, as_dim(shape, "x"), shared)
}

# An array of R in a crossing, for Python to take over. `name` and `allowed` are for the errors.
send_array <- function(x, name = "x",
                       allowed = "a double, integer or logical array without a class") {
  if (!(is.numeric(x) || is.logical(x)) || is.object(x)) {
    stop_type(name, x, allowed)
  }
  if (!is.double(x) && anyNA(x)) {
    stop_argument(name, x, paste(allowed, "and, unless of doubles, without NA"))
  }
  crossing <- open_crossing()
  .Call(export_array, x, crossing$pointer)
  shape <- as.double(if (is.null(dim(x))) length(x) else dim(x))
  c(crossing, list(shape = shape, logical = is.logical(x)))
}

# An array of R as a NumPy array over its memory. A vector of length 1 can stand for a scalar.
numpy_view <- function(x, ..., is_scalar = FALSE) {
  receive <- crossings()$receive
  sent <- send_array(x, ...)
  shape <- if (is_scalar && identical(sent$shape, 1) && is.null(dim(x))) list() else sent$shape
  call_python(receive(sent$addresses, as.list(shape), sent$logical))
}

# A shape as the user typed it, as doubles: c(2, 3), 5, list(2L, 3L), integer() for a scalar.
as_sizes <- function(name, value) {
  sizes <- if (is.list(value)) unlist_numbers(value) else value
  if (!is.numeric(sizes) || is.object(sizes) || !all(is_size(sizes))) {
    stop_argument(
      name, value,
      "a vector or list of whole numbers from 0 to 2^53, empty (`integer()`) for a scalar"
    )
  }
  as.double(sizes)
}

# Beyond 2^53 a double need not be the number that was typed.
is_size <- function(x) {
  !is.na(x) & x >= 0 & x <= 2^53 & x == floor(x)
}

# A list of single numbers as a vector; NULL for any other list.
unlist_numbers <- function(x) {
  if (length(x) == 0L) {
    return(double())
  }
  if (all(lengths(x) == 1L) && all(vapply(x, is.numeric, NA))) unlist(x)
}

# The `dim` of an R array of that shape. R has no `dim` for scalars, and none beyond 2^31 - 1: there
# a tensor of rank 1 is a plain long vector.
as_dim <- function(shape, name) {
  if (length(shape) == 0L || length(shape) == 1L && shape > .Machine$integer.max) {
    return(NULL)
  }
  if (any(shape > .Machine$integer.max)) {
    stop_argument(
      name, shape, "of dimensions up to 2^31 - 1, as R has them, unless there is only one"
    )
  }
  as.integer(shape)
}

#' Arrays of R and NumPy that share their memory
#'
#' @description
#' `as_numpy()` makes an R array a NumPy array and `as_r_array()` a NumPy array an R array, without
#' a copy and whatever the size. Both arrays are the same memory.
#'
#' @details
#' What NumPy gets is read-only. R copies the array before it next writes to it, so the NumPy array
#' keeps its values.
#'
#' What R gets shows what Python writes to the array later, until R first writes to it: then R
#' takes a copy of its own. So neither side ever writes to the array of the other.
#'
#' The copy is taken when R code asks for the memory to write to it, which some of R's own functions
#' do although they only read (`identical()`, `%*%`).
#'
#' An R array is in column-major (Fortran) order. A NumPy array in another order is copied on its
#' way to R. Logicals are copied both ways, as the two languages store them differently, and
#' integers on their way to R.
#'
#' `NA` among doubles becomes a NaN, which R still knows as `NA` when it comes back.
#'
#' @param x
#' For `as_numpy()`, a double, integer or logical vector, matrix or array, without a class;
#' integers and logicals must not be `NA`. Its names are left behind.
#'
#' For `as_r_array()`, a Python object, as reticulate gives it if it does not convert: a NumPy array
#' of float64, int32 or bool, or an Arrow array of one of these types, without nulls.
#'
#' @returns
#' `as_numpy()` returns a Python object, a NumPy array of the same dimensions; of one dimension if
#' `x` has none.
#'
#' `as_r_array()` returns an R array of the same dimensions; a vector of length 1 if there are none,
#' and a vector if the only dimension exceeds 2^31 - 1.
#'
#' @export
#' @examplesIf pyinit_available()
#' x <- matrix(c(1, 2, 3, 4, 5, 6), nrow = 2)
#' view <- as_numpy(x)
#' view
#' as_r_array(view)
as_numpy <- function(x) {
  numpy_view(x)
}

#' @rdname as_numpy
#' @export
as_r_array <- function(x) {
  if (!inherits(x, "python.builtin.object")) {
    stop_type("x", x, "a Python object: a NumPy or Arrow array, not converted by reticulate")
  }
  send <- crossings()$send
  crossing <- open_crossing()
  sent <- reticulate::py_to_r(call_python(send(x, crossing$addresses)))
  receive_array(crossing$pointer, as.double(unlist(sent[[1L]])), sent[[2L]])
}

# Where the values of a double vector are in memory, in decimal.
data_address <- function(x) {
  .Call(values_address, x)
}

# The error for an argument of the wrong type, in the words of the Python package.
stop_type <- function(name, received, allowed) {
  stop_pyinit(
    "Argument `", name, "` must be ", allowed, ". Received: an object of class ",
    paste(class(received), collapse = "/"),
    class = "pyinit_type_error"
  )
}
