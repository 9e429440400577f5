# The initializers, with the names of keras3.

#' Initializer that fills tensors with a constant or with given values
#'
#' @description
#' Sets every element to `value`, or to the element of the array `value` at the same position.
#' Values are rounded to the dtype if that is a float type.
#'
#' @param value
#' A number or logical, or a vector, matrix or array of them. Names are dropped. The dtype must be
#' able to represent the values: `value = 0.5` with `dtype = "int32"` is an error.
#'
#' An array usually has the shape of the tensor. Otherwise it must broadcast to that shape as in
#' NumPy: its dimensions are aligned with the last dimensions of the tensor, and those of length 1
#' are repeated. A vector of length 1 is a number; a longer one has one dimension, and is not
#' recycled.
#'
#' @returns
#' An initializer: a function of a shape that returns an array, and that can be passed to Keras
#' layers. See [pyinit_initializer].
#'
#' @export
#' @family constant initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#constant-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_constant(10)
#' values <- initializer(shape = c(2, 2))
#'
#' embeddings <- matrix(c(0.1, 0.2, 0.3, 0.4, 0.5, 0.6), nrow = 3)
#' initializer_constant(embeddings)(shape = c(3, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_constant <- function(value = 0) {
  new_initializer("Constant", list(value = value))
}

#' Initializer that fills tensors with zeros
#'
#' @description
#' Sets every element to 0 (`FALSE` with `dtype = "bool"`).
#'
#' @inherit initializer_constant return
#' @export
#' @family constant initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#zeros-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_zeros()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_zeros <- function() {
  new_initializer("Zeros", list())
}

#' Initializer that fills tensors with ones
#'
#' @description
#' Sets every element to 1 (`TRUE` with `dtype = "bool"`).
#'
#' @inherit initializer_constant return
#' @export
#' @family constant initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#ones-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_ones()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_ones <- function() {
  new_initializer("Ones", list())
}

#' Initializer that fills a matrix with the identity
#'
#' @description
#' Sets the diagonal to `gain` and all other elements to 0. The tensor must have rank 2, but need
#' not be square.
#'
#' @param gain
#' The factor of the identity: a finite number.
#'
#' @inherit initializer_constant return
#' @export
#' @family constant initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#identity-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_identity()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_identity <- function(gain = 1) {
  new_initializer("Identity", list(gain = gain))
}

#' Initializer that draws from a normal distribution
#'
#' @description
#' Draws independent values from the normal distribution with the given mean and standard deviation.
#'
#' @param mean
#' The mean: a finite number.
#'
#' @param stddev
#' The standard deviation: a finite number, at least 0.
#'
#' @param seed
#' A whole number from -2^53 to 2^53, a number of class integer64, a seed of [derive_seed()], a
#' [random_seed_generator()], or `NULL` for a seed from R's random number generator (see
#' [set.seed()]), drawn when the initializer is created. With a seed generator, every call returns
#' new values; otherwise every call returns the same values.
#'
#' @inherit initializer_constant return
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#randomnormal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_random_normal(mean = 0, stddev = 1)
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_random_normal <- function(mean = 0, stddev = 0.05, seed = NULL) {
  new_initializer("RandomNormal", list(mean = mean, stddev = stddev, seed = seed))
}

#' Initializer that draws from a uniform distribution
#'
#' @description
#' Draws independent values from the uniform distribution over `[minval, maxval)`.
#'
#' @param minval
#' The lower end of the range (included): a finite number.
#'
#' @param maxval
#' The upper end of the range (excluded): a finite number, at least `minval`. If both are equal, all
#' values are that number.
#'
#' @inheritParams initializer_random_normal
#' @inherit initializer_constant return
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#randomuniform-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_random_uniform(minval = 0, maxval = 1)
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_random_uniform <- function(minval = -0.05, maxval = 0.05, seed = NULL) {
  new_initializer("RandomUniform", list(minval = minval, maxval = maxval, seed = seed))
}

#' Initializer that draws from a truncated normal distribution
#'
#' @description
#' Draws independent values from a normal distribution truncated at two standard deviations from the
#' mean, or at other bounds, through its quantile function rather than by rejection.
#'
#' @param stddev
#' The standard deviation before truncation: a finite number, at least 0.
#'
#' @param lower,upper
#' The bounds, in standard deviations from the mean: numbers, `-Inf` or `Inf`, with `lower < upper`.
#' Values lie from `mean + lower * stddev` to `mean + upper * stddev`, up to rounding. Keras always
#' truncates at -2 and 2, so the configuration contains the bounds only if they are different.
#'
#' @inheritParams initializer_random_normal
#' @inherit initializer_constant return
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#truncatednormal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_truncated_normal(mean = 0, stddev = 1)
#' values <- initializer(shape = c(2, 2))
#'
#' # Positive values only:
#' initializer <- initializer_truncated_normal(seed = 1, lower = 0, upper = Inf)
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_truncated_normal <- function(mean = 0, stddev = 0.05, seed = NULL,
                                         lower = -2, upper = 2) {
  new_initializer("TruncatedNormal", list(
    mean = mean, stddev = stddev, seed = seed, lower = lower, upper = upper
  ))
}

#' Initializer that adapts its scale to the shape of the tensor
#'
#' @description
#' Draws weights with variance `scale / n`, so that signals keep their magnitude from layer to
#' layer. Depending on `mode`, `n` is
#'
#' - `"fan_in"`: the number of input units,
#' - `"fan_out"`: the number of output units,
#' - `"fan_avg"`: the average of the two,
#' - `"fan_geo_avg"`: the geometric mean of the two, as in JAX. Keras' own class does not have it.
#'
#' With `distribution = "truncated_normal"` or `"untruncated_normal"`, the values are from a normal
#' distribution with mean 0 and standard deviation (after truncation, if used) `sqrt(scale / n)`.
#' The truncated one is cut off at two standard deviations. With `"uniform"`, they are from
#' `[-limit, limit)` with `limit = sqrt(3 * scale / n)`.
#'
#' @details
#' [compute_fans()] computes the numbers of units. The Glorot, He and LeCun initializers are special
#' cases of this one.
#'
#' @param scale
#' The factor of the variance: a positive number.
#'
#' @param mode
#' The definition of `n`: `"fan_in"`, `"fan_out"`, `"fan_avg"` or `"fan_geo_avg"`.
#'
#' @param distribution
#' `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
#'
#' @param batch_axes
#' The axis or axes along which independent weights are stacked, such as layers or experts, counted
#' from 0 as in Python (negative ones from the end). The numbers of units are those of one member.
#'
#' @inheritParams initializer_random_normal
#' @inherit initializer_constant return
#' @references
#' He et al. (2015). Delving deep into rectifiers: surpassing human-level performance on ImageNet
#' classification. <https://arxiv.org/abs/1502.01852>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#variancescaling-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_variance_scaling(
#'   scale = 0.1, mode = "fan_in", distribution = "uniform"
#' )
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_variance_scaling <- function(scale = 1, mode = "fan_in",
                                         distribution = "truncated_normal", seed = NULL,
                                         batch_axes = NULL) {
  new_initializer("VarianceScaling", list(
    scale = scale, mode = mode, distribution = distribution, seed = seed, batch_axes = batch_axes
  ))
}

#' Glorot (Xavier) normal initializer
#'
#' @description
#' Draws from a truncated normal distribution with mean 0 and standard deviation (after truncation)
#' `sqrt(2 / (fan_in + fan_out))`, where `fan_in` and `fan_out` are the numbers of input and output
#' units of the tensor.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @references
#' Glorot and Bengio (2010). Understanding the difficulty of training deep feedforward neural
#' networks. <https://proceedings.mlr.press/v9/glorot10a.html>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#glorotnormal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_glorot_normal()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_glorot_normal <- function(seed = NULL, batch_axes = NULL) {
  new_initializer("GlorotNormal", list(seed = seed, batch_axes = batch_axes))
}

#' Glorot (Xavier) uniform initializer
#'
#' @description
#' Draws from the uniform distribution over `[-limit, limit)` with `limit = sqrt(6 / (fan_in +
#' fan_out))`, where `fan_in` and `fan_out` are the numbers of input and output units of the tensor.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @references
#' Glorot and Bengio (2010). Understanding the difficulty of training deep feedforward neural
#' networks. <https://proceedings.mlr.press/v9/glorot10a.html>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#glorotuniform-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_glorot_uniform()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_glorot_uniform <- function(seed = NULL, batch_axes = NULL) {
  new_initializer("GlorotUniform", list(seed = seed, batch_axes = batch_axes))
}

#' He (Kaiming) normal initializer
#'
#' @description
#' Draws from a truncated normal distribution with mean 0 and standard deviation (after truncation)
#' `sqrt(2 / fan_in)`, where `fan_in` is the number of input units of the tensor.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @references
#' He et al. (2015). Delving deep into rectifiers: surpassing human-level performance on ImageNet
#' classification. <https://arxiv.org/abs/1502.01852>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#henormal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_he_normal()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_he_normal <- function(seed = NULL, batch_axes = NULL) {
  new_initializer("HeNormal", list(seed = seed, batch_axes = batch_axes))
}

#' He (Kaiming) uniform initializer
#'
#' @description
#' Draws from the uniform distribution over `[-limit, limit)` with `limit = sqrt(6 / fan_in)`, where
#' `fan_in` is the number of input units of the tensor.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @references
#' He et al. (2015). Delving deep into rectifiers: surpassing human-level performance on ImageNet
#' classification. <https://arxiv.org/abs/1502.01852>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#heuniform-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_he_uniform()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_he_uniform <- function(seed = NULL, batch_axes = NULL) {
  new_initializer("HeUniform", list(seed = seed, batch_axes = batch_axes))
}

#' LeCun normal initializer
#'
#' @description
#' Draws from a truncated normal distribution with mean 0 and standard deviation (after truncation)
#' `sqrt(1 / fan_in)`, where `fan_in` is the number of input units of the tensor.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @references
#' Klambauer et al. (2017). Self-normalizing neural networks. <https://arxiv.org/abs/1706.02515>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#lecunnormal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_lecun_normal()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_lecun_normal <- function(seed = NULL, batch_axes = NULL) {
  new_initializer("LecunNormal", list(seed = seed, batch_axes = batch_axes))
}

#' LeCun uniform initializer
#'
#' @description
#' Draws from the uniform distribution over `[-limit, limit)` with `limit = sqrt(3 / fan_in)`, where
#' `fan_in` is the number of input units of the tensor.
#'
#' @inheritParams initializer_variance_scaling
#' @inherit initializer_constant return
#' @references
#' Klambauer et al. (2017). Self-normalizing neural networks. <https://arxiv.org/abs/1706.02515>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#lecununiform-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_lecun_uniform()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_lecun_uniform <- function(seed = NULL, batch_axes = NULL) {
  new_initializer("LecunUniform", list(seed = seed, batch_axes = batch_axes))
}

#' Initializer that draws an orthogonal matrix
#'
#' @description
#' Draws a matrix with orthonormal columns, or with orthonormal rows if it has more columns than
#' rows, uniformly from all such matrices. A tensor of more than two dimensions is treated as a
#' matrix whose columns are its last dimension and whose rows are all others.
#'
#' @details
#' The matrix is the factor Q of the QR decomposition of a matrix of standard normal values, the one
#' for which R has a positive diagonal. It is computed in double precision for every dtype. A slice
#' of a matrix costs as much as the whole matrix.
#'
#' @param gain
#' The factor of the matrix: a finite number.
#'
#' @param batch_axes
#' The axis or axes along which independent matrices are stacked, such as layers or experts, counted
#' from 0 as in Python (negative ones from the end). Each matrix is computed from the normal values
#' at its own place in the tensor.
#'
#' @inheritParams initializer_random_normal
#' @inherit initializer_constant return
#' @references
#' Saxe et al. (2014). Exact solutions to the nonlinear dynamics of learning in deep linear neural
#' networks. <https://arxiv.org/abs/1312.6120>
#'
#' Mezzadri (2007). How to generate random matrices from the classical compact groups. Notices of
#' the AMS 54. <https://arxiv.org/abs/math-ph/0609050>
#'
#' @export
#' @family random initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#orthogonal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_orthogonal()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_orthogonal <- function(gain = 1, seed = NULL, batch_axes = NULL) {
  new_initializer("Orthogonal", list(gain = gain, seed = seed, batch_axes = batch_axes))
}
