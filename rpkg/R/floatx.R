# The default dtype.

#' The default dtype
#'
#' @description
#' `floatx()` returns the dtype that an initializer uses when it is called without `dtype`. If Keras
#' is loaded, this is Keras' own default (`keras3::config_floatx()`, set by
#' `keras3::config_set_floatx()`), unless `set_floatx()` was called in this session. Keras layers
#' always pass a dtype.
#'
#' @param dtype
#' One of `"float16"`, `"bfloat16"`, `"float32"`, `"float64"`.
#'
#' @returns
#' `floatx()` returns a string, `"float32"` by default. `set_floatx()` returns `NULL`, invisibly.
#'
#' @export
#' @family settings
#' @examplesIf pyinit_available()
#' floatx()
#' set_floatx("float64")
#' initializer_random_uniform(seed = 1)(shape = 2)
#' set_floatx("float32")
floatx <- function() {
  value_from_python(python_package()$floatx())
}

#' @rdname floatx
#' @export
set_floatx <- function(dtype) {
  check_given()
  dtype <- plain_argument("dtype", dtype)
  call_python(python_package()$set_floatx(dtype))
  invisible()
}
