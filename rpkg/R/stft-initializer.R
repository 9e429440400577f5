# The initializer of the layer STFTSpectrogram.

#' Initializer for the kernels of a short-time Fourier transform
#'
#' @description
#' Computes kernels for a convolution over time, with one output channel for each frequency, that
#' give the real or the imaginary part of a short-time Fourier transform. It is meant for the Keras
#' layer `STFTSpectrogram`.
#'
#' @details
#' The tensor has shape (frame length, 1, number of frequencies), where the number of frequencies is
#' half the length of the Fourier transform plus one. The values are the Fourier basis times the
#' window, divided by a norm of the window unless `scaling` is `NULL`.
#'
#' @param side
#' The part to compute: `"real"` or `"imag"`.
#'
#' @param window
#' The name of a window in Python's `scipy.signal.windows` without parameters, such as `"hann"` or
#' `"hamming"`; the values of a window of the frame's length; or `NULL` for no window.
#'
#' @param scaling
#' `"density"` divides by the L2 norm of the window, `"spectrum"` by its L1 norm. `NULL` does not
#' scale.
#'
#' @param periodic
#' Whether a window given by its name is periodic (`TRUE`) or symmetric (`FALSE`).
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
