# Threads and the configuration in use.

#' Number of threads
#'
#' @description
#' `set_num_threads()` sets the number of threads that a large draw uses, in R and in Python, and
#' `num_threads()` returns it. The values do not depend on it.
#'
#' @param n
#' A whole number from 1 to 1024. `NULL` means the default: the environment variable
#' `PYINIT_NUM_THREADS`, or else the number of CPUs available to this process.
#'
#' @returns
#' `set_num_threads()` returns `NULL`, invisibly; `num_threads()` a number.
#'
#' @export
#' @family settings
#' @examplesIf pyinit_available()
#' set_num_threads(2)
#' num_threads()
#' set_num_threads(NULL)
set_num_threads <- function(n) {
  check_given()
  n <- plain_argument("n", n)
  call_python(bridge()$set_threads(n))
  invisible()
}

#' @rdname set_num_threads
#' @export
num_threads <- function() {
  value_from_python(python_package()$num_threads())
}

#' Show the configuration in use
#'
#' @description
#' Prints the kernel, device, threads and versions in use. Include it in a bug report.
#'
#' @returns
#' `NULL`, invisibly.
#'
#' @export
#' @family settings
#' @examplesIf pyinit_available()
#' show_config()
show_config <- function() {
  config <- value_from_python(bridge()$configured())
  config <- c(
    config,
    R = as.character(getRversion()),
    reticulate = as.character(utils::packageVersion("reticulate"))
  )
  cat(sprintf("%-15s %s\n", names(config), config), sep = "")
  invisible()
}
