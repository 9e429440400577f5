# Errors: those of Python as R conditions, and the package's own.

# Evaluates a call of Python. An exception becomes an R condition with Python's message, its values
# as R code.
call_python <- function(expr) {
  keep_unused_random_state({
    # first, so that a missing Python is the same error everywhere
    bridge()
    # so that an R error is not mistaken for Python's last one
    reticulate::py_clear_last_error()
    tryCatch(expr, error = rethrow)
  })
}

# Evaluates a call of Python and converts its result to R.
value_from_python <- function(expr) {
  keep_unused_random_state({
    # not in one call: py_to_r() loads Python before it evaluates its argument
    result <- call_python(expr)
    reticulate::py_to_r(result)
  })
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
  message <- gsub("(must be|Received:) a dictionary\\b", "\\1 a named list", message)
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
  words <- c(None = "NULL", True = "TRUE", False = "FALSE", bool = "logical")
  for (word in names(words)) {
    allowed <- gsub(sprintf("(?<!')\\b%s\\b", word), words[[word]], allowed, perl = TRUE)
  }
  name <- parts[[5L]]
  received <- parts[[6L]]
  if (nzchar(name)) {
    # a message about an element of an argument, such as a tensor of a plan, starts with its index
    is_argument <- startsWith(message, "Argument") && identical(name, parts[[3L]])
    received <- paste(name, "=", value_in_r(received, if (is_argument) name))
  }
  paste0(parts[[2L]], allowed, received)
}

# Python's code for a value as R code. If R has no such value, the argument of that name as the user
# gave it, or else the unchanged code.
value_in_r <- function(code, name = NULL) {
  frame <- user_frame()
  given <- if (!is.null(frame) && !is.null(name)) get0(name, sys.frame(frame), inherits = FALSE)
  converted <- value_from_python(bridge()$r_code(code))
  # a list may have been shown as a vector, or a vector as its only element
  is_plain_list <- is.list(given) && is.null(attributes(given))
  if (!is.null(converted) && !is_plain_list) {
    return(shorten(converted))
  }
  if (is.null(given)) shorten(gsub(" at 0x[0-9a-f]+>", ">", code)) else show_value(given)
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

stop_pyinit <- function(..., class = NULL, call = user_call()) {
  stop(errorCondition(paste0(...), class = c(class, "pyinit_error"), call = call))
}

# The call of this package by the user.
user_call <- function() {
  frame <- user_frame()
  if (!is.null(frame)) sys.call(frame)
}

# The number of that call's frame: the outermost one of a function in this namespace.
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

# Raises the error for an argument of the wrong type, worded as in the Python package.
stop_type <- function(name, received, allowed) {
  stop_pyinit(
    "Argument `", name, "` must be ", allowed, ". Received: an object of class ",
    paste(class(received), collapse = "/"),
    class = "pyinit_type_error"
  )
}

# An R value as R code, on one short line, with whole numbers as users type them.
show_value <- function(value) {
  code <- if (is.object(value)) code_of_object(value)
  if (!is.null(code)) {
    return(shorten(code))
  }
  if (is.function(value) && !is.primitive(value)) {
    # without its body
    return(shorten(trimws(deparse(args(value), width.cutoff = 500L)[[1L]])))
  }
  if (is.matrix(value) && is.atomic(value)) {
    code <- deparse_value(first_elements(as.vector(value)))
    return(shorten(sprintf("matrix(%s, %d, %d)", code, nrow(value), ncol(value))))
  }
  shown <- first_elements(value)
  is_cut <- length(shown) < length(value)
  end <- if (is_cut) sprintf("... (%.0f elements)", length(value)) else "..."
  shorten(deparse_value(shown), end)
}

# The elements of a vector that fit into the code: deparse() would expand all of 1:1e9.
first_elements <- function(value, depth = 0L) {
  # an object may have a length of its own
  if (is.object(value) || !is.vector(value)) {
    return(value)
  }
  if (length(value) > 100L) {
    value <- value[1:100]
  }
  if (is.list(value) && depth < 5L) {
    value[] <- lapply(value, first_elements, depth + 1L)
  }
  value
}

# An object of this package or of Python as R code, or one of bit64; NULL for any other object.
code_of_object <- function(value) {
  if (is_seed_generator(value)) {
    format(value)
  } else if (is_seed_vector(value)) {
    code_of_seeds(value)
  } else if (is_initializer(value)) {
    code_of(state_of(value))
  } else if (is_array_initializer(value)) {
    sprintf("get_initializer(%s)", show_value(state_of(value)$values))
  } else if (is_integer64(value)) {
    code_of_integer64(value)
  } else {
    class_of_object(value)
  }
}

# The class of an object that has no code; NULL for any other object.
class_of_object <- function(value) {
  if (is_python_object(value) || is_lazy_tensor(value) || isS4(value)) {
    paste0("<", class(value)[[1L]], ">")
  } else if (is.environment(value) || typeof(value) == "externalptr" || is_false_python(value)) {
    paste0("<", paste(class(value), collapse = "/"), ">")
  }
}

code_of_integer64 <- function(value) {
  digits <- deparse(digits_of_integer64(utils::head(as.vector(unclass(value)), 5L)))
  sprintf("bit64::as.integer64(%s)", paste(digits, collapse = ""))
}

deparse_value <- function(value) {
  if (is.integer(value) && !is.object(value)) {
    storage.mode(value) <- "double"
  }
  paste(deparse(value, width.cutoff = 500L, nlines = 4L), collapse = " ")
}

shorten <- function(code, end = "...") {
  code <- escape_invisible(code)
  if (nchar(code) > 80L) paste0(substr(code, 1L, 80L - nchar(end)), end) else code
}
