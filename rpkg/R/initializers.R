# The initializers, by the names of keras3.

#' Fills a tensor with one value
#'
#' @description
#' Every element gets `value`, rounded to the dtype if that is a float type.
#'
#' @param value
#' A number or logical. The dtype asked for must be able to hold it: `value = 0.5` with
#' `dtype = "int32"` is an error.
#'
#' @returns
#' An initializer: a function of a shape, which returns an array and can be given to layers of
#' Keras; see [pyinit_initializer].
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
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_constant <- function(value = 0) {
  new_initializer("Constant", list(value = value))
}

#' Fills a tensor with zeros
#'
#' @description
#' Every element is 0 (`FALSE` with `dtype = "bool"`).
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

#' Fills a tensor with ones
#'
#' @description
#' Every element is 1 (`TRUE` with `dtype = "bool"`).
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

#' Fills a matrix with the identity
#'
#' @description
#' The diagonal gets `gain`, everything else 0. Only for tensors of rank 2, square or not.
#'
#' @param gain
#' The factor on the identity: a finite number.
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

#' Kernels of a short-time Fourier transform
#'
#' @description
#' Kernels for a convolution over time, one output channel for each frequency, that compute the
#' real or the imaginary part of a short-time Fourier transform. Meant for Keras' layer
#' `STFTSpectrogram`.
#'
#' @details
#' The tensor has shape (frame length, 1, number of frequencies), where the number of frequencies is
#' half the length of the Fourier transform plus one. The values are those of the Fourier basis,
#' times the window, divided by the window's norm if a scaling is asked for.
#'
#' @param side
#' The part to compute: `"real"` or `"imag"`.
#'
#' @param window
#' The name of a window in Python's `scipy.signal.windows` that needs no parameters, such as
#' `"hann"` or `"hamming"`; the values of a window, as many as the frame is long; or `NULL` for no
#' window.
#'
#' @param scaling
#' `"density"` divides by the L2 norm of the window, `"spectrum"` by its L1 norm, `NULL` by nothing.
#'
#' @param periodic
#' Whether a window given by name is periodic (`TRUE`) or symmetric (`FALSE`).
#'
#' @inherit initializer_constant return
#' @export
#' @family constant initializers
#' @family initializers
#' @seealso
#' + <https://keras.io/api/layers/initializers/#stft-class>
#' @examplesIf pyinit_available() && reticulate::py_module_available("scipy")
#' initializer <- initializer_stft("real", "hann", "density", FALSE)
#' values <- initializer(shape = c(128, 1, 513))
initializer_stft <- function(side = "real", window = "hann", scaling = "density",
                             periodic = FALSE) {
  new_initializer("STFT", list(
    side = side, window = window, scaling = scaling, periodic = periodic
  ))
}

#' Draws from a normal distribution
#'
#' @description
#' Independent values from the normal distribution with the given mean and standard deviation.
#'
#' @param mean
#' The mean: a finite number.
#'
#' @param stddev
#' The standard deviation: a finite number, at least 0.
#'
#' @param seed
#' A whole number or a [random_seed_generator()], which makes the values reproducible. With a
#' number the initializer gives the same values at every call, and so it does with a seed of
#' [derive_seed()] and with `NULL`, which draws a seed from R's own generator when the initializer
#' is made (see [set.seed()]). With a seed generator every call gives new values.
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

#' Draws from a uniform distribution
#'
#' @description
#' Independent values from the uniform distribution over `[minval, maxval)`.
#'
#' @param minval
#' The lower end of the range, which can be drawn: a finite number.
#'
#' @param maxval
#' The upper end of the range, which is never drawn: a finite number, at least `minval`. If both are
#' the same, that is the only value.
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

#' Draws from a truncated normal distribution
#'
#' @description
#' Independent values from a normal distribution cut off at two standard deviations on either side
#' of the mean. They come from the quantile function of that distribution, not from drawing again
#' until a value fits.
#'
#' @param stddev
#' The standard deviation before the cut: a finite number, at least 0.
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
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_truncated_normal <- function(mean = 0, stddev = 0.05, seed = NULL) {
  new_initializer("TruncatedNormal", list(mean = mean, stddev = stddev, seed = seed))
}

#' Draws weights on a scale that suits the shape of the tensor
#'
#' @description
#' The variance of the weights is `scale / n`, so that signals keep their size from layer to layer.
#' Here `n` is, by `mode`:
#'
#' - `"fan_in"`: the number of input units,
#' - `"fan_out"`: the number of output units,
#' - `"fan_avg"`: the average of the two.
#'
#' With `distribution = "truncated_normal"` or `"untruncated_normal"` the values are from a normal
#' distribution with mean 0 and standard deviation `sqrt(scale / n)`: in the former it is cut off at
#' two standard deviations, and that is the deviation after the cut. With `"uniform"` they are
#' from `[-limit, limit)` with `limit = sqrt(3 * scale / n)`.
#'
#' @details
#' [compute_fans()] counts the units. The Glorot, He and LeCun initializers are special cases of
#' this one.
#'
#' @param scale
#' The factor on the variance: a positive number.
#'
#' @param mode
#' What `n` is: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
#'
#' @param distribution
#' `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
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
                                         distribution = "truncated_normal", seed = NULL) {
  new_initializer("VarianceScaling", list(
    scale = scale, mode = mode, distribution = distribution, seed = seed
  ))
}

#' The Glorot (Xavier) normal initializer
#'
#' @description
#' Draws from a normal distribution with mean 0 that is cut off at two standard deviations on either
#' side, and has the standard deviation `sqrt(2 / (fan_in + fan_out))` after the cut,
#' where `fan_in` and `fan_out` are the numbers of input and output units of the tensor.
#'
#' @inheritParams initializer_random_normal
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
initializer_glorot_normal <- function(seed = NULL) {
  new_initializer("GlorotNormal", list(seed = seed))
}

#' The Glorot (Xavier) uniform initializer
#'
#' @description
#' Draws from the uniform distribution over `[-limit, limit)` with
#' `limit = sqrt(6 / (fan_in + fan_out))`,
#' where `fan_in` and `fan_out` are the numbers of input and output units of the tensor.
#'
#' @inheritParams initializer_random_normal
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
initializer_glorot_uniform <- function(seed = NULL) {
  new_initializer("GlorotUniform", list(seed = seed))
}

#' The He (Kaiming) normal initializer
#'
#' @description
#' Draws from a normal distribution with mean 0 that is cut off at two standard deviations on either
#' side, and has the standard deviation `sqrt(2 / fan_in)` after the cut,
#' where `fan_in` is the number of input units of the tensor.
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
#' + <https://keras.io/api/layers/initializers/#henormal-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_he_normal()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_he_normal <- function(seed = NULL) {
  new_initializer("HeNormal", list(seed = seed))
}

#' The He (Kaiming) uniform initializer
#'
#' @description
#' Draws from the uniform distribution over `[-limit, limit)` with
#' `limit = sqrt(6 / fan_in)`,
#' where `fan_in` is the number of input units of the tensor.
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
#' + <https://keras.io/api/layers/initializers/#heuniform-class>
#' @examplesIf pyinit_available()
#' # Standalone usage:
#' initializer <- initializer_he_uniform()
#' values <- initializer(shape = c(2, 2))
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' # Usage in a Keras layer; with keras3, layer_dense(units = 3, kernel_initializer = initializer):
#' keras <- reticulate::import("keras")
#' layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
initializer_he_uniform <- function(seed = NULL) {
  new_initializer("HeUniform", list(seed = seed))
}

#' The LeCun normal initializer
#'
#' @description
#' Draws from a normal distribution with mean 0 that is cut off at two standard deviations on either
#' side, and has the standard deviation `sqrt(1 / fan_in)` after the cut,
#' where `fan_in` is the number of input units of the tensor.
#'
#' @inheritParams initializer_random_normal
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
initializer_lecun_normal <- function(seed = NULL) {
  new_initializer("LecunNormal", list(seed = seed))
}

#' The LeCun uniform initializer
#'
#' @description
#' Draws from the uniform distribution over `[-limit, limit)` with
#' `limit = sqrt(3 / fan_in)`,
#' where `fan_in` is the number of input units of the tensor.
#'
#' @inheritParams initializer_random_normal
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
initializer_lecun_uniform <- function(seed = NULL) {
  new_initializer("LecunUniform", list(seed = seed))
}

#' Fills a tensor with a random orthogonal matrix
#'
#' @description
#' A tensor of more than two dimensions is taken for a matrix: the last dimension is that of its
#' columns, all others together are its rows. It gets orthonormal columns, or orthonormal rows if
#' it has more columns than rows. All such matrices are equally likely.
#'
#' @details
#' The matrix is the factor Q of the QR decomposition of a matrix of standard normal values, the one
#' for which R has a positive diagonal. It is computed in double precision whatever the dtype. A
#' part of the tensor costs as much as the whole.
#'
#' @param gain
#' The factor on the matrix: a finite number.
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
initializer_orthogonal <- function(gain = 1, seed = NULL) {
  new_initializer("Orthogonal", list(gain = gain, seed = seed))
}
