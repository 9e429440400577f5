# Checks and conversions of arguments.

# Raises an error if `...` of the calling function is not empty. It is there only so that later
# arguments must be named.
check_dots_empty <- function(...) {
  if (...length() > 0L) {
    names <- ...names()
    unknown <- if (is.null(names) || !nzchar(names[[1L]])) show_value(..1) else names[[1L]]
    stop_pyinit("Unused argument: ", unknown, class = "pyinit_type_error")
  }
}

# The arguments of a call of Python, each as plain_argument() returns it.
plain_arguments <- function(arguments) {
  for (name in names(arguments)) {
    # an assignment of NULL would drop the element
    if (!is.null(arguments[[name]])) {
      arguments[[name]] <- plain_argument(name, arguments[[name]])
    }
  }
  arguments
}

# An argument without dimensions: reticulate would convert one with dimensions to a NumPy array. A
# value of length 1, such as the result of var(), and an array of one dimension become vectors.
# Raises an error for other dimensions and for missing values.
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
    stop_argument(name, value, "a value that can be converted to Python")
  }
  value
}

# Whether an argument is the array of initializer_constant(), rather than a number.
is_initial_values <- function(name, value) {
  name == "value" && is_array_of_numbers(value) && length(value) != 1L
}

without_dimensions <- function(name, value) {
  if (is_initial_values(name, value)) {
    return(value)
  }
  if (!is.atomic(value)) {
    stop_argument(name, value, "a vector or an array")
  }
  if (length(value) != 1L && length(dim(value)) != 1L) {
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

# A logical of length 1, without dimensions.
as_flag <- function(name, value) {
  if (!isTRUE(value) && !isFALSE(value)) {
    stop_argument(name, value, "TRUE or FALSE")
  }
  isTRUE(value)
}

# Whether `x` is a whole number from 1 to 2^53.
is_count <- function(x) {
  is.numeric(x) && !is.object(x) && length(x) == 1L && is_size(x) && x >= 1
}

is_string <- function(x) {
  is.character(x) && !is.object(x) && length(x) == 1L && !is.na(x)
}

as_path <- function(name, path) {
  if (!is_string(path)) {
    stop_argument(name, path, "a path")
  }
  enc2utf8(path.expand(as.vector(path)))
}
