# Where draws are made.

#' The default device
#'
#' @description
#' `default_device()` is the device that an initializer draws on where it is not told another;
#' `set_default_device()` sets it, for R and Python. On a GPU the values are drawn there, with the
#' same bits as on the CPU, and brought over to R.
#'
#' A GPU needs the Python package CuPy and a driver. Without them it is an error, never a silent
#' draw on the CPU. The option `pyinit.device` overrides the default device for calls from R.
#'
#' @param device
#' `"cpu"`, `"cuda"` (the current GPU), `"cuda:1"` (that one), or `NULL` for what the environment
#' variable `PYINIT_DEVICE` said when the Python package was loaded.
#'
#' @returns
#' `default_device()` returns a string, `"cpu"` unless another was set; `set_default_device()`
#' returns `NULL`, invisibly.
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
  check_missing(list(device = device))
  call_python(python_package()$set_default_device(device))
  invisible()
}
