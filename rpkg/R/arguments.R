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

# Raises an error for the first argument of the calling function that has no default and is missing.
check_given <- function() {
  frame <- parent.frame()
  for (name in required_arguments(formals(sys.function(sys.parent())))) {
    if (eval(call("missing", as.name(name)), frame)) {
      stop_missing(name)
    }
  }
}

# The names of the arguments without a default among those of formals().
required_arguments <- function(arguments) {
  is_required <- vapply(arguments, identical, NA, quote(expr = )) # nolint: spaces_inside_linter.
  setdiff(names(arguments)[is_required], "...")
}

# An argument with a wrong name in `...` is the one that is missing.
stop_missing <- function(name, ...) {
  check_dots_empty(...)
  stop_pyinit("Argument `", name, "` is missing", class = "pyinit_type_error")
}

# Largest numbers of elements of vectors and of lists that Python receives one by one, and of levels
# of lists within lists. An array is not limited: it is passed as memory.
max_elements <- 2^20
max_list <- 2^17
max_depth <- 50L

# The arguments of a call of Python, each as plain_argument() returns it.
plain_arguments <- function(arguments, parent = "config", depth = 0L) {
  names <- names_in_utf8(parent, arguments)
  names(arguments) <- names
  # those of a description and its configuration are arguments too
  are_arguments <- depth == 0L || parent %in% c("config", "initializer")
  for (i in seq_along(arguments)) {
    name <- if (are_arguments && !is.null(names) && nzchar(names[[i]])) names[[i]] else parent
    # an assignment of NULL would drop the element
    if (!is.null(arguments[[i]])) {
      arguments[[i]] <- plain_argument(name, arguments[[i]], depth)
    }
  }
  arguments
}

# An argument without dimensions and class: reticulate would convert one with dimensions to a NumPy
# array, and ignore a class. A value of length 1, such as the result of var(), and an array of one
# dimension become vectors. Raises an error for other dimensions, for classes other than those of
# plain_value(), for missing values, and for more elements than Python is to receive one by one.
plain_argument <- function(name, value, depth = 0L) {
  if (is.object(value)) {
    if (keeps_class(name, value)) {
      return(value)
    }
    value <- plain_value(name, value)
  }
  if (is.null(value)) {
    return(value)
  }
  if (is_initial_values(name, value)) {
    check_missing(name, value)
    return(value)
  }
  plain_elements(name, value, depth)
}

# Objects that Python or this package converts.
keeps_class <- function(name, value) {
  is_python_object(value) || is_own_object(value) || name == "seed" && is_one_seed(value)
}

plain_elements <- function(name, value, depth) {
  check_length(name, value)
  if (!is.null(dim(value))) {
    value <- without_dimensions(name, value)
  }
  if (is.list(value)) {
    check_nesting(name, value, depth)
    return(plain_arguments(value, name, depth + 1L))
  }
  plain_vector(name, value)
}

# A vector, or a function, that can be converted to Python.
plain_vector <- function(name, value) {
  if (is.primitive(value) || !is.atomic(value) && !is.function(value)) {
    # reticulate's error would not name the argument
    stop_argument(name, value, "a value that can be converted to Python")
  }
  if (is.raw(value) || is.complex(value)) {
    stop_argument(name, value, "made of numbers, logicals or strings")
  }
  check_missing(name, value)
  if (is.character(value)) as_utf8(name, value) else value
}

# The value of an object whose class is only a name for it: the number of an integer64, the string
# of a class derived from "character" (such as a path of the package fs). Raises an error for any
# other class: the number behind a date, a factor or a number with a unit is not its meaning.
plain_value <- function(name, value) {
  if (is_integer64(value)) {
    if (name == "seed") seed_of_integer64(value) else doubles_of_integer64(name, value)
  } else if (is_string_class(value)) {
    class(value) <- NULL
    value
  } else {
    stop_argument(name, value, paste0(
      "given without a class (its class is ", paste(class(value), collapse = "/"),
      "; only numbers of class integer64 and strings may have one)"
    ))
  }
}

is_string_class <- function(x) {
  is.character(x) && !isS4(x) && inherits(x, "character") && !inherits(x, "pyinit_seed")
}

# Raises an error for a vector or a list that is too long, which may take no memory: 1:1e9.
check_length <- function(name, value) {
  if (length(value) > if (is.list(value)) max_list else max_elements) {
    limit <- if (is.list(value)) "a list of at most 2^17" else "a vector of at most 2^20"
    stop_argument(name, value, paste(limit, "elements"))
  }
}

check_nesting <- function(name, value, depth) {
  if (depth >= max_depth) {
    stop_argument(name, "a list of lists", sprintf("a list of at most %d levels", max_depth))
  }
}

# The names of a list, which are the keys of a dictionary of Python.
names_in_utf8 <- function(argument, x) {
  names <- names(x)
  if (anyNA(names)) {
    stop_argument(argument, x, "a list without missing names (NA)")
  }
  if (is.null(names)) NULL else as_utf8(argument, names)
}

# Whether an argument is the array of initializer_constant(), rather than a number.
is_initial_values <- function(name, value) {
  name == "value" && is_array_of_numbers(value) && length(value) != 1L
}

without_dimensions <- function(name, value) {
  if (!is.atomic(value)) {
    stop_argument(name, value, "a vector or an array")
  }
  if (length(value) != 1L && length(dim(value)) != 1L) {
    stop_argument(name, value, "given without dimensions (see dim()), unless its length is 1")
  }
  as.vector(value)
}

# Raises an error for a missing value: reticulate converts NA to TRUE, NA_integer_ to the smallest
# integer and NA_character_ to "NA".
check_missing <- function(name, value) {
  if (is.atomic(value) && anyNA(value) && any(is.na(value) & !is.nan(value))) {
    stop_argument(name, value, "given without missing values (NA)")
  }
}

# A logical of length 1, without dimensions.
as_flag <- function(name, value) {
  if (is.object(value) || !isTRUE(value) && !isFALSE(value)) {
    stop_argument(name, value, "TRUE or FALSE")
  }
  isTRUE(value)
}

# Whether `x` is a whole number from 1 to 2^53.
is_count <- function(x) {
  is.numeric(x) && !is.object(x) && length(x) == 1L && is_size(x) && x >= 1
}

is_string <- function(x) {
  is_strings(x) && length(x) == 1L
}

# Whether R's function `fun` can be called with `count` arguments.
takes_arguments <- function(fun, count) {
  # NULL for a function such as `[`, whose arguments R does not know
  arguments <- args(fun)
  is.null(arguments) || "..." %in% names(formals(arguments)) ||
    length(formals(arguments)) >= count
}

# Whether `x` is a vector of strings, of a size that Python can receive.
is_strings <- function(x) {
  is.character(x) && (!is.object(x) || is_string_class(x)) && length(x) > 0L &&
    length(x) <= max_elements && !anyNA(x)
}

as_path <- function(name, path) {
  if (!is_string(path)) {
    stop_argument(name, path, "a path")
  }
  as_paths(name, path)
}

as_paths <- function(name, paths) {
  paths <- as_utf8(name, as.vector(unclass(paths)))
  if (!all(nzchar(paths)) || any(nchar(paths, "bytes") > 4095L)) {
    stop_argument(name, paths, "a path, of 1 to 4095 bytes")
  }
  # for others path.expand() would only translate them to the encoding of the session
  starts_at_home <- startsWith(paths, "~")
  paths[starts_at_home] <- enc2utf8(path.expand(paths[starts_at_home]))
  paths
}
