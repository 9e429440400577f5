# Initializers with the names of torch.nn.init, and their gains.

#' Recommended gain of a nonlinearity
#'
#' @description
#' Returns the values of `torch.nn.init.calculate_gain()`: 1 for `"linear"`, `"sigmoid"` and the
#' convolutions, 5/3 for `"tanh"`, `sqrt(2)` for `"relu"`, `sqrt(2 / (1 + param^2))` for
#' `"leaky_relu"` and 3/4 for `"selu"`.
#'
#' @param nonlinearity
#' `"linear"`, `"conv1d"`, `"conv2d"`, `"conv3d"`, `"conv_transpose1d"`, `"conv_transpose2d"`,
#' `"conv_transpose3d"`, `"sigmoid"`, `"tanh"`, `"relu"`, `"leaky_relu"` or `"selu"`.
#'
#' @param param
#' The slope of a leaky ReLU below zero; `NULL` means 0.01. Must be `NULL` for other nonlinearities.
#'
#' @returns
#' A number.
#'
#' @export
#' @family torch names
#' @seealso
#' + <https://docs.pytorch.org/docs/stable/nn.init.html>
#' @examplesIf pyinit_available()
#' calculate_gain("tanh")
#' initializer <- initializer_orthogonal(gain = calculate_gain("leaky_relu", 0.2))
calculate_gain <- function(nonlinearity, param = NULL) {
  check_given()
  nonlinearity <- plain_argument("nonlinearity", nonlinearity)
  param <- plain_argument("param", param)
  value_from_python(python_package()$calculate_gain(nonlinearity, param))
}

#' Xavier initializers of torch
#'
#' @description
#' The initializers with these names in `torch.nn.init`, as special cases of
#' [initializer_variance_scaling()].
#'
#' - `initializer_xavier_uniform()` draws from `[-limit, limit)` with
#'   `limit = gain * sqrt(6 / (fan_in + fan_out))`. With a gain of 1, it is
#'   [initializer_glorot_uniform()].
#' - `initializer_xavier_normal()` draws from a normal distribution with mean 0 and standard
#'   deviation `gain * sqrt(2 / (fan_in + fan_out))`. Unlike [initializer_glorot_normal()], it is
#'   not truncated.
#'
#' @details
#' The axes of the tensor are those of Keras, (receptive field, inputs, outputs).
#'
#' @param gain
#' The factor of the values: a positive number. See [calculate_gain()].
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @inherit initializer_glorot_normal references
#'
#' @export
#' @family torch names
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://docs.pytorch.org/docs/stable/nn.init.html>
#' @examplesIf pyinit_available()
#' initializer <- initializer_xavier_uniform(gain = calculate_gain("tanh"))
#' values <- initializer(shape = c(2, 2))
initializer_xavier_uniform <- function(gain = 1, seed = NULL, batch_axes = NULL) {
  new_initializer("xavier_uniform", list(gain = gain, seed = seed, batch_axes = batch_axes))
}

#' @rdname initializer_xavier_uniform
#' @export
initializer_xavier_normal <- function(gain = 1, seed = NULL, batch_axes = NULL) {
  new_initializer("xavier_normal", list(gain = gain, seed = seed, batch_axes = batch_axes))
}

#' Kaiming initializers of torch
#'
#' @description
#' The initializers with these names in `torch.nn.init`, as special cases of
#' [initializer_variance_scaling()]. `gain` is `calculate_gain(nonlinearity, a)`, and `n` is the
#' number of input or output units, depending on `mode`.
#'
#' - `initializer_kaiming_uniform()` draws from `[-limit, limit)` with `limit = gain * sqrt(3 / n)`.
#'   By default, it is [initializer_he_uniform()].
#' - `initializer_kaiming_normal()` draws from a normal distribution with mean 0 and standard
#'   deviation `gain / sqrt(n)`. Unlike [initializer_he_normal()], it is not truncated.
#'
#' @details
#' The axes of the tensor are those of Keras, (receptive field, inputs, outputs). The default of
#' torch's layers `Linear` and `Conv` is `initializer_kaiming_uniform(a = sqrt(5))`.
#'
#' @param a
#' The slope of a leaky ReLU below zero; 0 for other nonlinearities.
#'
#' @param mode
#' The definition of `n`: `"fan_in"` or `"fan_out"`.
#'
#' @param nonlinearity
#' The name of a nonlinearity that [calculate_gain()] knows.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @inherit initializer_he_normal references
#'
#' @export
#' @family torch names
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://docs.pytorch.org/docs/stable/nn.init.html>
#' @examplesIf pyinit_available()
#' initializer <- initializer_kaiming_normal(mode = "fan_out", nonlinearity = "relu")
#' values <- initializer(shape = c(2, 2))
initializer_kaiming_uniform <- function(a = 0, mode = "fan_in", nonlinearity = "leaky_relu",
                                        seed = NULL, batch_axes = NULL) {
  new_kaiming("kaiming_uniform", a, mode, nonlinearity, seed, batch_axes)
}

#' @rdname initializer_kaiming_uniform
#' @export
initializer_kaiming_normal <- function(a = 0, mode = "fan_in", nonlinearity = "leaky_relu",
                                       seed = NULL, batch_axes = NULL) {
  new_kaiming("kaiming_normal", a, mode, nonlinearity, seed, batch_axes)
}

new_kaiming <- function(name, a, mode, nonlinearity, seed, batch_axes) {
  new_initializer(name, list(
    a = a, mode = mode, nonlinearity = nonlinearity, seed = seed, batch_axes = batch_axes
  ))
}
