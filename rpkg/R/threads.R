# What the draws run on.

#' Number of threads
#'
#' @description
#' `set_num_threads()` sets how many threads a large draw uses, in R and in Python, and
#' `num_threads()` returns it. The values do not depend on it.
#'
#' @param n
#' A whole number from 1 to 1024, or `NULL` for the default: the environment variable
#' `PYINIT_NUM_THREADS`, or else the CPUs that this process may use.
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
  check_missing(list(n = n))
  call_python(bridge()$set_threads(n))
  invisible()
}

#' @rdname set_num_threads
#' @export
num_threads <- function() {
  value_from_python(python_package()$num_threads())
}

#' What is in use
#'
#' @description
#' Prints which kernel, device, threads and versions are in use: what a report of a problem needs.
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
