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
  if (is.null(raised) && inherits(error, "C++Error")) {
    # raised by reticulate, without a call
    stop_pyinit(conditionMessage(error))
  }
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
  # (?s): a value may have several lines
  pattern <- "(?s)^(.*?Argument `([^`]+)` must be )(.*?[.] Received: )(?:([a-z_]+)=)?(.*)$"
  parts <- regmatches(message, regexec(pattern, message, perl = TRUE))[[1L]]
  if (length(parts) == 0L) {
    return(message)
  }
  allowed <- gsub("\\b([a-z_]+)=(?=\\S)", "\\1 = ", numbers_in_r(parts[[4L]]), perl = TRUE)
  allowed <- gsub("(?<!')\\bbool\\b", "logical", gsub("\\bNone\\b", "NULL", allowed), perl = TRUE)
  name <- parts[[5L]]
  received <- parts[[6L]]
  if (nzchar(name)) {
    # the message of a part of an argument, such as a tensor of a plan, starts with its place
    is_argument <- startsWith(message, "Argument") && identical(name, parts[[3L]])
    received <- paste(name, "=", value_in_r(received, if (is_argument) name))
  }
  paste0(parts[[2L]], allowed, received)
}

# Python's code for a value as R code. If R has no such value, the argument of that name as the user
# gave it, or else the unchanged code.
value_in_r <- function(code, name = NULL) {
  converted <- value_from_python(bridge()$r_code(code))
  if (!is.null(converted)) {
    return(shorten(converted))
  }
  frame <- user_frame()
  given <- if (!is.null(frame) && !is.null(name)) get0(name, sys.frame(frame), inherits = FALSE)
  if (is.null(given)) shorten(code) else show_value(given)
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

# The call of this package by the user.
user_call <- function() {
  frame <- user_frame()
  if (!is.null(frame)) sys.call(frame)
}

# The number of its frame: the outermost one of a function of this namespace.
user_frame <- function() {
  namespace <- topenv()
  for (frame in seq_len(sys.nframe())) {
    if (identical(topenv(environment(sys.function(frame))), namespace)) {
      return(frame)
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
  if (inherits(value, "pyinit_seed_generator")) {
    return(format(value))
  }
  if (inherits(value, "pyinit_seed")) {
    return(code_of_seeds(value))
  }
  if (inherits(value, "python.builtin.object")) {
    return(paste0("<", class(value)[[1L]], ">"))
  }
  if (inherits(value, "pyinit_initializer")) {
    return(code_of(state_of(value)))
  }
  if (is.matrix(value) && is.atomic(value)) {
    code <- deparse_value(as.vector(value))
    return(shorten(sprintf("matrix(%s, %d, %d)", code, nrow(value), ncol(value))))
  }
  shorten(deparse_value(value))
}

deparse_value <- function(value) {
  if (is.integer(value) && !is.object(value)) {
    storage.mode(value) <- "double"
  }
  paste(deparse(value, width.cutoff = 500L, nlines = 4L), collapse = " ")
}

shorten <- function(code) {
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

# The arguments of a call of Python, each of them plain.
plain_arguments <- function(arguments) {
  for (name in names(arguments)) {
    # an assignment of NULL would drop the element
    if (!is.null(arguments[[name]])) {
      arguments[[name]] <- plain_argument(name, arguments[[name]])
    }
  }
  arguments
}

# An argument without dimensions, which reticulate would convert to a NumPy array: a value of length
# 1, such as the result of var(), and an array of one dimension become vectors. Raises an error for
# other dimensions and for missing values.
plain_argument <- function(name, value) {
  if (is.null(value) || is.object(value) && inherits(value, "python.builtin.object")) {
    return(value)
  }
  if (!is.null(dim(value))) {
    value <- without_dimensions(name, value)
  }
  if (is.list(value) && !is.object(value)) {
    return(plain_arguments(value))
  }
  if (is.atomic(value)) {
    check_missing(name, value)
  } else if (is_only_of_r(value)) {
    # reticulate's error would not name the argument
    stop_argument(name, value, "a value that Python can have")
  }
  value
}

# The array of initializer_constant(), which is no number.
is_initial_values <- function(name, value) {
  name == "value" && is_array_of_numbers(value) && length(value) != 1L
}

without_dimensions <- function(name, value) {
  if (is_initial_values(name, value)) {
    return(value)
  }
  if (!is.atomic(value) || length(value) != 1L && length(dim(value)) != 1L) {
    stop_argument(name, value, "given without dimensions (see dim()), unless its length is 1")
  }
  as.vector(value)
}

is_only_of_r <- function(value) {
  is.primitive(value) || is.language(value) || identical(class(value), "environment")
}

# Raises an error for a missing value: reticulate converts NA to TRUE, NA_integer_ to the smallest
# integer and NA_character_ to "NA".
check_missing <- function(name, value) {
  if (anyNA(value) && any(is.na(value) & !is.nan(value))) {
    stop_argument(name, value, "given without missing values (NA)")
  }
}
