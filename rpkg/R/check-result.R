# Results of checks: a logical of length 1, with the details as attributes.
#
# Anything computed from one is a plain logical, since the details describe only the original value.

new_check_result <- function(passed, details, class) {
  do.call(structure, c(list(passed, class = c(class, "pyinit_check_result")), details))
}

details_of <- function(x) {
  details <- attributes(x)
  details[names(details) != "class"]
}

# The details, and the value under a name of its own.
elements_of <- function(x) {
  verdict <- if (inherits(x, "pyinit_self_test")) "passed" else "same"
  c(stats::setNames(list(as.logical(x)), verdict), details_of(x))
}

#' @export
print.pyinit_check_result <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @importFrom utils str
#' @export
str.pyinit_check_result <- function(object, ...) {
  text <- strsplit(format(object), "\n", fixed = TRUE)[[1L]][[1L]]
  cat(" <", class(object)[[1L]], "> ", as.logical(object), ": ", text, "\n", sep = "")
}

#' @export
`$.pyinit_check_result` <- function(x, name) {
  x[[name]]
}

#' @export
`[[.pyinit_check_result` <- function(x, i, ...) { # nolint: object_name_linter.
  elements <- elements_of(x)
  if (is.character(i) && length(i) == 1L && !i %in% names(elements)) {
    stop_pyinit("The result has no element `", i, "`")
  }
  # R's own error for other indices
  elements[[i, ...]]
}

#' @importFrom utils .DollarNames
#' @export
.DollarNames.pyinit_check_result <- function(x, pattern = "") { # nolint: object_name_linter.
  grep(pattern, names(elements_of(x)), value = TRUE)
}

#' @export
as.data.frame.pyinit_check_result <- function(x, row.names = NULL, # nolint: object_name_linter.
                                              optional = FALSE, ...) {
  if (optional) {
    # a column of data.frame()
    return(as.data.frame(as.logical(x), row.names, optional, ...))
  }
  data.frame(x$differences, row.names = row.names)
}

#' @export
Ops.pyinit_check_result <- function(e1, e2) { # nolint: object_name_linter.
  operator <- get(.Generic)
  if (missing(e2)) {
    operator(without_details(e1))
  } else {
    operator(without_details(e1), without_details(e2))
  }
}

without_details <- function(x) {
  if (inherits(x, "pyinit_check_result")) as.logical(x) else x
}

#' @export
`[<-.pyinit_check_result` <- function(x, ..., value) { # nolint: object_name_linter.
  x <- as.logical(x)
  x[...] <- value
  x
}

#' @export
`[[<-.pyinit_check_result` <- function(x, i, value) { # nolint: object_name_linter.
  if (is.character(i)) {
    stop_pyinit("`", i, "` cannot be set: run the check again")
  }
  x[i] <- value
  x
}

#' @export
`$<-.pyinit_check_result` <- function(x, name, value) { # nolint: object_name_linter.
  x[[name]] <- value
}
