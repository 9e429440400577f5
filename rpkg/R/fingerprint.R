# Fingerprints of tensors.

#' Fingerprint of a tensor
#'
#' @description
#' Computes the SHA-256 digest of a tensor of initial weights, or of an existing array. Two tensors
#' have the same fingerprint if and only if they have the same shape, dtype and values, to the last
#' bit (0 and -0 differ), on any machine, in R or in Python.
#'
#' @details
#' A tensor is drawn in chunks on the CPU, so it may be larger than memory. The exception is
#' [initializer_orthogonal()], whose values all depend on each other. An array is passed to Python
#' without a copy.
#'
#' The digest covers the bytes that the page "The random stream" of the documentation
#' (`docs/stream.md`) specifies.
#'
#' @param x
#' An initializer; a [lazy_tensor()]; a double, integer or logical vector, matrix or array without a
#' class; or a Python object: a pyinit initializer, an array of NumPy or another library, a Keras
#' variable.
#'
#' @param shape
#' The dimensions of the tensor to draw, whole numbers. For an array, `NULL` or its dimensions; for
#' a vector of length 1, `integer()` if it is a scalar.
#'
#' @param dtype
#' The dtype of the tensor to draw; `NULL` means [floatx()]. For an array, the dtype of its values,
#' which must represent them exactly: `NULL` means [floatx()] for doubles, `"int32"` for integers
#' and `"bool"` for logicals.
#'
#' @returns
#' A string of 64 hexadecimal digits. For an initializer with a seed generator, the fingerprint is
#' that of the next call's result and takes a draw, as the call does.
#'
#' @export
#' @family reproducibility functions
#' @seealso
#' + FIPS 180-4, <https://csrc.nist.gov/pubs/fips/180-4/upd1/final>
#' @examplesIf pyinit_available()
#' initializer <- initializer_he_normal(seed = 1)
#' fingerprint(initializer, shape = c(4, 3))
#'
#' # The array has the same fingerprint:
#' fingerprint(initializer(shape = c(4, 3)))
fingerprint <- function(x, shape = NULL, dtype = NULL) {
  check_given()
  dtype <- plain_argument("dtype", dtype)
  if (!is.null(shape)) {
    shape <- as_sizes("shape", shape)
  }
  if ((is_initializer(x) || is_array_initializer(x)) && is.null(shape)) {
    stop_argument("shape", shape, "given together with an initializer")
  }
  if (is_array_initializer(x)) {
    dtype <- if (is.null(dtype)) floatx() else dtype
    x <- x(shape, dtype)
  }
  if (is.double(x) && is.null(dtype)) {
    dtype <- floatx()
  }
  is_scalar <- length(shape) == 0L && !is.null(shape)
  sizes <- if (!is.null(shape)) as.list(shape)
  value_from_python(bridge()$fingerprinted(tensor_object(x, is_scalar), sizes, dtype))
}

# The object to fingerprint, for Python.
tensor_object <- function(x, is_scalar) {
  if (is_initializer(x)) {
    initializer_object(state_of(x))
  } else if (is_lazy_tensor(x)) {
    lazy_object(lazy_state(x))
  } else if (is_python_object(x)) {
    x
  } else {
    allowed <- paste0(
      allowed_initializer, ", a lazy tensor, or a double, integer or logical array without a class"
    )
    numpy_view(x, "x", allowed, is_scalar = is_scalar)
  }
}
