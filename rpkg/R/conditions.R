# Errors: those of Python as R conditions, and the package's own.

# Evaluates a call of Python. An exception becomes an R condition with Python's message, its values
# as R code.
call_python <- function(expr) {
  # first, so that a missing Python is the same error everywhere
  bridge()
  # so that an error of R is not taken for Python's last one
  reticulate::py_clear_last_error()
  tryCatch(expr, error = rethrow)
}

# Evaluates a call of Python and converts its result to R.
value_from_python <- function(expr) {
  # not in one call: py_to_r() loads Python before it evaluates its argument
  result <- call_python(expr)
  reticulate::py_to_r(result)
}

rethrow <- function(error) {
  raised <- reticulate::py_last_error()
  if (is.null(raised) || inherits(error, "pyinit_error")) {
    stop(error)
  }
  message <- in_r_syntax(raised$value)
  message <- gsub("pyinit.keras.initialize(", "initialize_model(", message, fixed = TRUE)
  class <- condition_classes[[raised$type]]
  if ("pyinit_os_error" %in% class) {
    message <- sub("^\\[Errno [0-9]+\\] ", "", message)
  }
  stop_pyinit(message, class = class)
}

# The condition classes of Python's exceptions. Any other exception is just a pyinit_error.
condition_classes <- list(
  ValueError = "pyinit_value_error",
  ManifestError = c("pyinit_manifest_error", "pyinit_value_error"),
  DifferenceError = c("pyinit_difference_error", "pyinit_value_error"),
  TypeError = "pyinit_type_error",
  IndexError = "pyinit_index_error",
  ImportError = "pyinit_import_error",
  OSError = "pyinit_os_error",
  FileExistsError = "pyinit_os_error",
  FileNotFoundError = "pyinit_os_error",
  IsADirectoryError = "pyinit_os_error",
  NotADirectoryError = "pyinit_os_error",
  PermissionError = "pyinit_os_error"
)

# Rewrites Python's values in the message for an invalid argument as R code: `None`, `dtype=3.0`.
in_r_syntax <- function(message) {
  pattern <- "^(.*Argument `[^`]+` must be )(.*[.] Received: )(?:([a-z_]+)=)?(.*)$"
  parts <- regmatches(message, regexec(pattern, message, perl = TRUE))[[1L]]
  if (length(parts) == 0L) {
    return(message)
  }
  allowed <- gsub("\\b([a-z_]+)=(?=\\S)", "\\1 = ", numbers_in_r(parts[[3L]]), perl = TRUE)
  allowed <- gsub("(?<!')\\bbool\\b", "logical", gsub("\\bNone\\b", "NULL", allowed), perl = TRUE)
  name <- parts[[4L]]
  received <- if (nzchar(name)) paste(name, "=", value_in_r(parts[[5L]])) else parts[[5L]]
  paste0(parts[[2L]], allowed, received)
}

# Python's code for a value as R code; unchanged if it is none that R has.
value_in_r <- function(code) {
  if (grepl("^'[^'\"\\\\]*'$", code)) {
    return(chartr("'", "\"", code))
  }
  switch(code,
    None = "NULL",
    True = "TRUE",
    False = "FALSE",
    `()` = "integer()",
    if (grepl("^['\"]", code)) code else numbers_in_r(code)
  )
}

# A text with Python's numbers and sequences of numbers as R's: 2**31, 3.0, inf, (3,), [1, 2].
numbers_in_r <- function(text) {
  text <- gsub("**", "^", text, fixed = TRUE)
  text <- gsub("\\binf\\b", "Inf", gsub("\\bnan\\b", "NaN", text))
  text <- gsub("(?<![0-9.])([0-9]+)[.]0(?![0-9]|[.][0-9])", "\\1", text, perl = TRUE)
  number <- "-?(?:[0-9]+(?:[.][0-9]+)?|Inf|NaN)"
  text <- gsub(sprintf("\\((%s),\\)|\\[(%s)\\]", number, number), "\\1\\2", text, perl = TRUE)
  gsub(sprintf("[(\\[](%s(?:, %s)+)[)\\]]", number, number), "c(\\1)", text, perl = TRUE)
}

stop_pyinit <- function(..., class = NULL) {
  stop(errorCondition(paste0(...), class = c(class, "pyinit_error"), call = user_call()))
}

# The call of this package by the user: the outermost one of a function of this namespace.
user_call <- function() {
  namespace <- topenv()
  for (frame in seq_len(sys.nframe())) {
    if (identical(topenv(environment(sys.function(frame))), namespace)) {
      return(sys.call(frame))
    }
  }
}

# Raises the error for an invalid argument, worded as in the Python package.
stop_argument <- function(name, received, allowed, class = "pyinit_value_error") {
  stop_pyinit(
    "Argument `", name, "` must be ", allowed, ". Received: ", name, " = ", show_value(received),
    class = class
  )
}

# Raises an error if `...` of the calling function is not empty: it only makes later arguments
# named.
check_dots_empty <- function(...) {
  if (...length() > 0L) {
    names <- ...names()
    unknown <- if (is.null(names) || !nzchar(names[[1L]])) show_value(..1) else names[[1L]]
    stop_pyinit("Unused argument: ", unknown, class = "pyinit_type_error")
  }
}

# An R value as R code, on one short line, with whole numbers as users type them.
show_value <- function(value) {
  if (inherits(value, c("pyinit_seed", "pyinit_seed_generator"))) {
    return(format(value))
  }
  if (inherits(value, "python.builtin.object")) {
    return(paste0("<", class(value)[[1L]], ">"))
  }
  if (is.integer(value) && !is.object(value)) {
    storage.mode(value) <- "double"
  }
  code <- paste(deparse(value, width.cutoff = 500L, nlines = 4L), collapse = " ")
  if (nchar(code) > 80L) paste0(substr(code, 1L, 77L), "...") else code
}

# Raises the error for an argument of the wrong type, worded as in the Python package.
stop_type <- function(name, received, allowed) {
  stop_pyinit(
    "Argument `", name, "` must be ", allowed, ". Received: an object of class ",
    paste(class(received), collapse = "/"),
    class = "pyinit_type_error"
  )
}

# Raises an error for a missing value: reticulate converts NA to TRUE, NA_integer_ to the smallest
# integer and NA_character_ to "NA".
check_missing <- function(config) {
  for (name in names(config)) {
    value <- config[[name]]
    if (is.list(value)) {
      check_missing(value)
    } else if (is.atomic(value) && any(is.na(value) & !is.nan(value))) {
      stop_argument(name, value, "given without missing values (NA)")
    }
  }
}
