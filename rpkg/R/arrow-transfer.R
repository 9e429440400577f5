# Arrays that pass between Python and R without a copy: see src/arrow_transfer.h.
#
# A transfer is a list with the external pointer that owns it and its address for Python.

#' @useDynLib pyinit, .registration = TRUE
NULL

# A transfer for an array that Python is about to move in.
allocate_transfer <- function(bytes = 0) {
  .Call(new_arrow_transfer, bytes)
}

# The array that a function of the bridge moves to R.
array_from_python <- function(send, object) {
  transfer <- allocate_transfer()
  shape <- as.double(unlist(value_from_python(send(object, transfer$address))))
  receive_array(transfer$pointer, shape, FALSE)
}

# The array that Python has moved in, as an R array of that shape. `shared` says whether Python may
# still read or write it.
receive_array <- function(pointer, shape, shared) {
  .Call(import_array, pointer, as_dim(shape, "x"), shared)
}

# A transfer with an R array for Python to move out, the shape, and whether it is logical. The shape
# of an array of arrow or nanoarrow is NULL. `name` and `allowed` are for the errors.
send_array <- function(x, name = "x",
                       allowed = "a double, integer or logical array without a class") {
  if (is_arrow_array(x)) {
    return(c(export_arrow(x, name), list(shape = NULL, logical = FALSE)))
  }
  if (!(is.numeric(x) || is.logical(x)) || is.object(x)) {
    stop_type(name, x, allowed)
  }
  if (!is.double(x) && anyNA(x)) {
    stop_argument(name, x, paste0(allowed, "; only one of doubles may have NA"))
  }
  shape <- as.double(if (is.null(dim(x))) length(x) else dim(x))
  c(.Call(export_array, x), list(shape = shape, logical = is.logical(x)))
}

# Whether `x` is an array of the R package arrow or nanoarrow.
is_arrow_array <- function(x) {
  typeof(x) == "externalptr" && inherits(x, "nanoarrow_array") ||
    is.environment(x) && inherits(x, "ArrowObject") && inherits(x, c("Array", "ChunkedArray"))
}

# A transfer with an array of arrow or nanoarrow for Python to move out.
export_arrow <- function(x, name) {
  transfer <- allocate_transfer()
  second <- .Call(array_address, transfer$pointer)
  tryCatch(
    if (inherits(x, "nanoarrow_array")) {
      schema <- nanoarrow::infer_nanoarrow_schema(x)
      nanoarrow::nanoarrow_pointer_export(x, second)
      nanoarrow::nanoarrow_pointer_export(schema, transfer$address)
    } else {
      one_chunk(x)$export_to_c(second, transfer$address)
    },
    error = function(error) {
      stop_pyinit(
        "Argument `", name, "` must be an array that its package can export. Received: ",
        conditionMessage(error),
        class = "pyinit_value_error"
      )
    }
  )
  transfer
}

# An array of arrow in one chunk, copied only if it has several.
one_chunk <- function(x) {
  if (inherits(x, "Array")) {
    x
  } else if (x$num_chunks == 1L) {
    x$chunk(0L)
  } else {
    do.call(arrow::concat_arrays, c(x$chunks, list(type = x$type)))
  }
}

# A NumPy array over the memory of an R array. With `is_scalar`, a vector of length 1 becomes a
# scalar.
numpy_view <- function(x, ..., is_scalar = FALSE) {
  receive <- bridge()$receive_array
  sent <- send_array(x, ...)
  shape <- if (is_scalar && identical(sent$shape, 1) && is.null(dim(x))) list() else sent$shape
  if (!is.null(shape)) {
    shape <- as.list(shape)
  }
  call_python(receive(sent$address, shape, sent$logical))
}

# The address of the values of a double, integer or logical vector, in decimal.
data_address <- function(x) {
  .Call(values_address, x)
}
