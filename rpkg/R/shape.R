# Shapes: as the user types them, as R's `dim`, and their fans.

# Converts a shape to doubles: c(2, 3), 5, list(2L, 3L), keras3's shape(2, 3), a sequence of Python
# such as tuple(2L, 3L) or a TensorShape; integer() for a scalar.
as_sizes <- function(name, value) {
  if (is.object(value)) {
    if (is_python_object(value)) {
      return(as.double(unlist(value_from_python(bridge()$sizes(name, value)))))
    }
    value <- if (is_keras_shape(value)) unclass(value) else plain_value(name, value)
  }
  # before elements are read: 1:1e9 takes no memory until then
  if (length(value) > max_rank) {
    stop_argument(name, value, paste("of at most", max_rank, "dimensions"))
  }
  if (!is.null(dim(value))) {
    value <- without_dimensions(name, value)
  }
  sizes <- unlist_numbers(name, value)
  if (is.list(value) || is.atomic(value) && anyNA(value)) {
    check_known(name, value)
  }
  checked_sizes(name, sizes, value)
}

checked_sizes <- function(name, sizes, given) {
  if (!is.numeric(sizes) || !all(is_size(sizes))) {
    stop_argument(
      name, given,
      "a vector or list of whole numbers from 0 to 2^53, empty (`integer()`) for a scalar"
    )
  }
  as.double(sizes)
}

# NumPy's limit.
max_rank <- 64L

is_keras_shape <- function(x) {
  is.list(x) && inherits(x, "keras_shape")
}

# Raises an error for a dimension that is NA or NULL: in Keras an unknown size, such as the batch's.
check_known <- function(name, value) {
  unknown <- which(vapply(value, is_unknown, NA))
  if (length(unknown) > 0L) {
    size <- if (is.null(value[[unknown[[1L]]]])) "NULL" else "NA"
    stop_argument(name, value, paste0(
      "a vector or list of whole numbers, all of them known (dimension ", unknown[[1L]], " is ",
      size, ")"
    ))
  }
}

is_unknown <- function(size) {
  # NaN is an invalid number rather than an unknown size
  is.null(size) || is.atomic(size) && length(size) == 1L && is.na(size) && !is.nan(size)
}

# Beyond 2^53, a double may differ from the number that was typed.
is_size <- function(x) {
  !is.na(x) & x >= 0 & x <= 2^53 & x == floor(x)
}

# A vector unchanged; a list of single numbers as a vector; NULL for any other list.
unlist_numbers <- function(name, x) {
  if (!is.list(x)) {
    return(x)
  }
  if (length(x) == 0L) {
    return(double())
  }
  numbers <- lapply(x, function(number) {
    if (is_integer64(number)) doubles_of_integer64(name, number) else number
  })
  if (all(vapply(numbers, is_plain_number, NA))) unlist(numbers)
}

is_plain_number <- function(x) {
  is.numeric(x) && !is.object(x) && length(x) == 1L
}

# The `dim` of an R array of that shape; NULL for a scalar, and for more than 2^31 - 1 elements in
# one dimension, a long vector.
as_dim <- function(shape, name) {
  if (length(shape) == 0L || length(shape) == 1L && shape > .Machine$integer.max) {
    return(NULL)
  }
  if (any(shape > .Machine$integer.max)) {
    stop_argument(
      name, shape, "of dimensions up to 2^31 - 1, R's limit if there are several"
    )
  }
  as.integer(shape)
}

#' Fan-in and fan-out of a weight tensor
#'
#' @description
#' Computes the numbers of input and output units of a weight tensor, from which
#' [initializer_variance_scaling()] and its special cases derive the scale of the weights.
#'
#' @param shape
#' The dimensions of the tensor. A matrix is (inputs, outputs); a tensor of higher rank is the
#' kernel of a convolution: (receptive field, input channels, output channels).
#'
#' @param input_axes,output_axes
#' The axes of inputs and of outputs, counted from 0 as in Python (negative ones from the end), for
#' layers such as attention where they do not follow from the shape. Used only if both are given.
#'
#' @param batch_axes
#' The axis or axes along which independent weights are stacked, such as layers or experts, counted
#' in the same way. The fans are those of one member.
#'
#' @returns
#' A numeric vector with the elements `fan_in` and `fan_out`.
#'
#' @export
#' @examplesIf pyinit_available()
#' compute_fans(c(3, 3, 16, 32))
#' compute_fans(c(64, 4, 16), input_axes = 0, output_axes = c(1, 2))
#' compute_fans(c(8, 64, 16), batch_axes = 0)
compute_fans <- function(shape, input_axes = NULL, output_axes = NULL, batch_axes = NULL) {
  check_given()
  # `shape` stays as given, for errors
  sizes <- as.list(as_sizes("shape", shape))
  axes <- list(input_axes = input_axes, output_axes = output_axes, batch_axes = batch_axes)
  axes <- sequences_as_lists(plain_arguments(axes))
  fans <- value_from_python(
    bridge()$fans(sizes, axes$input_axes, axes$output_axes, axes$batch_axes)
  )
  stats::setNames(fans, c("fan_in", "fan_out"))
}
