# Initializers of convolution kernels that are zero except at the centre.

#' Initializer that draws a convolution kernel with an orthogonal matrix at the centre
#'
#' @description
#' Generates a convolution kernel that is zero except at the spatial position `(k - 1) %/% 2`
#' (counted from 0) along each axis of length k. There it is the matrix with orthonormal rows that
#' [initializer_orthogonal()] draws for `c(inputs, outputs)` from the same seed. A convolution with
#' stride 1 and padding `"same"` then preserves the norm of its input.
#'
#' @details
#' The shape is `c(kernel, inputs, outputs)`, with one to three spatial dimensions and at most as
#' many inputs as outputs.
#'
#' @inheritParams initializer_orthogonal
#' @inherit initializer_constant return
#' @references
#' Xiao et al. (2018). Dynamical isometry and a mean field theory of CNNs: How to train 10,000-layer
#' vanilla convolutional neural networks. <https://arxiv.org/abs/1806.05393>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://docs.jax.dev/en/latest/_autosummary/jax.nn.initializers.delta_orthogonal.html>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_delta_orthogonal(seed = 1)
#' values <- initializer(shape = c(3, 3, 2, 4))
#' values[2, 2, , ] %*% t(values[2, 2, , ])
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_conv_2d(filters = 4, kernel_size = 3,
#' # kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Conv2D(4L, 3L, kernel_initializer = initializer)
initializer_delta_orthogonal <- function(gain = 1, seed = NULL) {
  new_initializer("DeltaOrthogonal", list(gain = gain, seed = seed))
}

#' Initializer for a convolution that passes its input through
#'
#' @description
#' Generates a convolution kernel that is zero except at the spatial position `k %/% 2` (counted
#' from 0) along each axis of length k. There, input i of a group has the weight 1 for output i of
#' that group. As many inputs as possible are preserved.
#'
#' @details
#' The shape is `c(kernel, inputs, outputs)`, with one to three spatial dimensions, where the inputs
#' are those of one group, as for the kernels of Keras. The values are those of `dirac_()` in torch,
#' in the order of dimensions of Keras.
#'
#' @param groups
#' The number of groups of the convolution: a positive whole number, which must divide the number of
#' outputs.
#'
#' @inherit initializer_constant return
#' @export
#' @family constant initializers
#' @family initializers
#' @seealso
#' + <https://docs.pytorch.org/docs/stable/nn.init.html#torch.nn.init.dirac_>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_dirac()
#' values <- initializer(shape = c(3, 3, 2, 2))
#' values[2, 2, , ]
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_conv_2d(filters = 4, kernel_size = 3,
#' # kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Conv2D(4L, 3L, kernel_initializer = initializer)
initializer_dirac <- function(groups = 1) {
  new_initializer("Dirac", list(groups = groups))
}
