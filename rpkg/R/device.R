# The default device.

#' The default device
#'
#' @description
#' `default_device()` returns the device on which initializers draw by default, and
#' `set_default_device()` sets it, for R and Python. A GPU draws the same bits as the CPU; the
#' values are then copied to R.
#'
#' A GPU requires the Python package CuPy and a driver. Without them, a draw is an error and does
#' not fall back to the CPU. The option `pyinit.device` overrides the default device for calls from
#' R.
#'
#' @param device
#' `"cpu"`, `"cuda"` (the current GPU) or `"cuda:1"` (that GPU). `NULL` means the value of the
#' environment variable `PYINIT_DEVICE` when the Python package was loaded.
#'
#' @returns
#' `default_device()` returns a string, `"cpu"` by default. `set_default_device()` returns `NULL`,
#' invisibly.
#'
#' @export
#' @family settings
#' @examplesIf pyinit_available()
#' default_device()
#' set_default_device("cpu")
#' set_default_device(NULL)
default_device <- function() {
  value_from_python(python_package()$default_device())
}

#' @rdname default_device
#' @export
set_default_device <- function(device) {
  check_given()
  device <- plain_argument("device", device)
  call_python(python_package()$set_default_device(device))
  invisible()
}
