# Initializers in R: functions with their state in the enclosing environment.
#
# The state is the configuration (`class_name`, `config`) and the seed in use: `seed`, a number or a
# seed generator of R, or the class of a seed that is a Python object, `seed_class`. The handle of
# the Python initializer is not saved with it, but made again in another session: python-objects.R.

#' Initializers are functions
#'
#' @description
#' The `initializer_*()` functions return functions of class `pyinit_initializer`. Call an
#' initializer with a shape to get an array of initial weights, or pass it to a Keras layer, with
#' the keras3 package or through reticulate.
#'
#' Keras layers and [get_initializer()] also accept a function such as `initializer_he_normal`. It
#' stands for its call without arguments: `kernel_initializer = initializer_he_normal`.
#'
#' An initializer can be saved with [saveRDS()] and read in another session, where it draws the same
#' values. A seed generator starts again at its first draw there, as with [from_config()].
#'
#' # Call
#' ```r
#' initializer(shape, dtype = NULL, ..., device = NULL,
#'             partition_shape = NULL, partition_offset = NULL)
#' ```
#'
#' - `shape`: the dimensions of the tensor, whole numbers.
#' - `dtype`: the name of the dtype, by default [floatx()]. Random initializers support `"float16"`,
#'   `"bfloat16"`, `"float32"` and `"float64"`, constant ones also integer types and `"bool"`. The
#'   R array holds the values exactly, as doubles, integers or logicals. The dtype changes the
#'   precision of the weights, not the weights.
#' - `device`: `"cpu"`, `"cuda"` or `"cuda:1"`. `NULL` means the option `pyinit.device`, or else
#'   [default_device()]. The device does not change the values; the array is in R's memory.
#' - `partition_shape`, `partition_offset`: the dimensions of a slice of the tensor and its start
#'   along each axis, counted from 0. Only that slice is computed. See also [lazy_tensor()].
#' - `...`: not used. Later arguments must be named.
#'
#' # Numbers
#' Numbers are given as vectors or lists: the shapes `c(2, 3)`, `list(2, 3)` and `list(2L, 3L)` are
#' the same. Values with a class, such as dates and factors, are errors, since the numbers behind
#' them are not their meaning. Numbers of class integer64, of the package bit64, are converted
#' exactly. Nothing is rounded or ignored, and `NA` is an error.
#'
#' # Elements
#' `initializer$seed` is the seed in use, including one drawn from R's generator. The other
#' arguments are elements too, such as `initializer$scale`. `initializer$get_config()` is
#' [get_config()], and `initializer$clone()` returns a new initializer with the same arguments (and
#' a fresh seed, if none was given). The elements of a special case of
#' [initializer_variance_scaling()] include `initializer$scale`, `initializer$mode` and
#' `initializer$distribution`.
#'
#' @param x
#' An initializer.
#'
#' @param name
#' The name of an argument, `get_config` or `clone`.
#'
#' @param ...
#' Not used.
#'
#' @returns
#' `format()` returns the class and its arguments as a string. `print()` shows it and returns `x`,
#' invisibly.
#'
#' @name pyinit_initializer
#' @examplesIf pyinit_available()
#' initializer <- initializer_he_normal(seed = 1)
#' initializer
#' initializer(shape = c(2, 3))
#'
#' # The last two rows only:
#' full <- initializer(shape = c(5, 3))
#' rows <- initializer(shape = c(5, 3), partition_shape = c(2, 3), partition_offset = c(3, 0))
#' identical(rows, full[4:5, ])
NULL

# Shows the call: users forget it, and pass the function initializer_he_normal itself.
allowed_initializer <- "an initializer, such as initializer_he_normal()"

new_initializer <- function(class_name, config) {
  seed <- as_seed(config[["seed"]])
  # without dimensions, and of class pyinit_seed if it was a string of digits
  if (!is.null(seed)) {
    config$seed <- seed
  }
  value <- config[["value"]]
  if (is.list(value) && !is.object(value)) {
    check_initial_values(value)
  }
  config <- plain_arguments(config)
  if ("value" %in% names(config)) {
    check_initial_values(config[["value"]])
  }
  fresh_seed <- NULL
  constructed <- NULL
  if ("seed" %in% names(config) && is.null(seed)) {
    restore <- save_random_state()
    on.exit(if (is.null(constructed)) restore())
    fresh_seed <- seed <- sample_seed()
  }
  constructed <- construct(class_name, config, seed, fresh_seed)
  array <- config[["value"]]
  if (is_python_object(array) && is.null(constructed[[3L]][["value"]])) {
    array <- given_values(call_python(bridge()$initializer_of(constructed[[1L]])))
  }
  state <- new.env(parent = emptyenv())
  if (is_python_object(seed)) {
    state$seed_class <- class(seed)[[1L]]
  } else {
    state$seed <- seed
  }
  state$class_name <- constructed[[2L]]
  state$config <- with_array(with_exact_seeds(constructed[[3L]]), array)
  keep_python_object(state, list(handle = constructed[[1L]], seed = seed))
  initializer_function(state)
}

check_initial_values <- function(value) {
  is_number <- (is.numeric(value) || is.logical(value)) && length(value) == 1L
  if (!is_number && !is_array_of_numbers(value) && !is_python_object(value)) {
    stop_argument("value", value, "a number or logical, or an array of them without a class")
  }
}

# Defined outside new_initializer(), so that its environment holds the state and nothing else.
initializer_function <- function(state) {
  # a promise would hold the environment of the caller
  force(state)
  structure(
    function(shape, dtype = NULL, ..., device = NULL,
             partition_shape = NULL, partition_offset = NULL) {
      if (missing(shape)) stop_missing("shape", ...)
      check_dtype(dtype, shape, ...)
      check_dots_empty(...)
      if (is.null(device)) {
        device <- getOption("pyinit.device")
      }
      keep_unused_random_state(
        draw_array(draw_of(state), shape, dtype, partition_shape, partition_offset, device)
      )
    },
    class = c("pyinit_initializer", "function")
  )
}

state_of <- function(initializer) {
  environment(initializer)$state
}

# The R object for an initializer that Python constructed. One of a user's own class stays a Python
# object.
as_initializer <- function(object) {
  described <- value_from_python(bridge()$describe(object))
  if (is.null(described)) {
    return(object)
  }
  config <- with_array(with_exact_seeds(described[[2L]]), given_values(object))
  new_initializer(described[[1L]], config)
}

# Puts an array into a configuration from Python, which has NULL in its place.
with_array <- function(config, array) {
  if ("value" %in% names(config) && is.null(config[["value"]])) {
    attributes(array) <- list(dim = dim(array)) # without names
    config[["value"]] <- array
  }
  config
}

# The array that is the value of a Python Constant.
given_values <- function(object) {
  values <- array_from_python(bridge()$send_values, object)
  if (length(dim(values)) <= 1L) as.vector(values) else values
}

# The handle of the Python initializer, which is constructed again in a new session.
handle_of <- function(state) {
  found <- find_python_object(state)
  if (is.null(found)) {
    fresh_seed <- if (is.null(state$config$seed)) state$seed
    constructed <- construct(state$class_name, state$config, state$seed, fresh_seed)
    found <- keep_python_object(state, list(handle = constructed[[1L]]))
  }
  found$handle
}

# The seed in use: a number, a seed generator, or a Python object.
seed_of <- function(state) {
  if (is.null(state$seed_class)) {
    return(state$seed)
  }
  object <- initializer_object(state)
  given <- find_python_object(state)$seed
  # NULL in another session, where Python made the generator again from its description
  if (is.null(given)) reticulate::py_get_attr(object, "seed") else given
}

# The draw function of an initializer's state.
draw_of <- function(state) {
  handle <- handle_of(state)
  draw <- bridge()$draw_of
  function(...) draw(handle, ...)
}

# The Python initializer.
initializer_object <- function(state) {
  call_python(bridge()$initializer_of(handle_of(state)))
}

# Constructs an initializer in Python. `seed` is the result of as_seed() for the seed in `config`,
# `fresh_seed` the seed to use if that is NULL. Returns list(handle, class_name, config).
construct <- function(class_name, config, seed, fresh_seed) {
  if (is_seed_generator(seed)) {
    config$seed <- generator_object(seed)
  } else if (is_python_object(seed)) {
    config$seed <- seed
  }
  keep_unused_random_state({
    config <- sequences_as_lists(config)
    value_from_python(bridge()$construct(class_name, config, fresh_seed))
  })
}

# Calls a draw function and returns its array: a vector over the memory that Python has filled and
# R now owns.
draw_array <- function(draw, shape, dtype = NULL, partition_shape = NULL, partition_offset = NULL,
                       device = NULL) {
  shape <- as_sizes("shape", shape)
  dtype <- plain_argument("dtype", dtype)
  device <- plain_argument("device", device)
  if (is.null(partition_shape)) {
    dim <- as_dim(shape, "shape")
    bytes <- 8 * prod(shape)
  } else {
    partition_shape <- as_sizes("partition_shape", partition_shape)
    dim <- as_dim(partition_shape, "partition_shape")
    bytes <- 8 * prod(partition_shape)
    partition_shape <- as.list(partition_shape)
  }
  if (!is.null(partition_offset)) {
    partition_offset <- as.list(as_sizes("partition_offset", partition_offset))
  }
  transfer <- .Call(new_arrow_transfer, bytes)
  call_python(draw(
    as.list(shape), dtype, partition_shape, partition_offset, device, transfer$address
  ))
  .Call(import_array, transfer$pointer, dim, FALSE)
}

# Raises an error for a number as dtype: a second dimension, as in initializer(64, 32).
check_dtype <- function(dtype, shape, ...) {
  if (!is.object(dtype) && (is.numeric(dtype) || is.list(dtype))) {
    dimensions <- list(shape, dtype, ...)
    typed <- all(vapply(dimensions, is.numeric, NA)) && all(lengths(dimensions) == 1L)
    example <- show_value(if (typed) unlist(dimensions) else c(64, 32))
    stop_argument(
      "dtype", dtype, paste("a name; give the dimensions as one vector, as in", example)
    )
  }
}

# The draw function of any Python initializer.
draw_function <- function(object) {
  draw <- bridge()$draw
  function(...) draw(object, ...)
}

# The name of a window, or its values as a list.
plain_window <- function(window) {
  if (is_python_object(window) || is_string(window)) {
    return(window)
  }
  numbers <- unlist_numbers("window", window)
  if (!is.numeric(numbers) || length(numbers) == 0L) {
    stop_argument("window", window, "NULL, a name, or a vector or list of numbers, not empty")
  }
  as.list(unname(window))
}

# Converts vectors to lists where Python expects a sequence: reticulate converts a vector of length
# 1 to a scalar. An array of numbers becomes a NumPy array.
sequences_as_lists <- function(config) {
  if (is_array_of_numbers(config[["value"]])) {
    allowed <- "a number or logical, or an array of them without a class"
    config[["value"]] <- numpy_view(config[["value"]], "value", allowed)
  }
  if (!is.null(config[["window"]])) {
    config[["window"]] <- plain_window(config[["window"]])
  }
  for (name in c("input_axes", "output_axes", "batch_axes")) {
    axes <- config[[name]]
    if (is.numeric(axes) || is.list(axes)) {
      config[[name]] <- as.list(unname(axes))
    } else if (!is.null(axes) && !is_python_object(axes)) {
      # an empty vector of any type would become an empty list
      stop_argument(name, axes, "NULL, a whole number, or a vector or list of whole numbers")
    }
  }
  config
}

#' @rdname pyinit_initializer
#' @export
format.pyinit_initializer <- function(x, ...) {
  paste("<pyinit initializer>", code_of(state_of(x)))
}

# The class and the arguments of an initializer: HeNormal(seed = 1).
code_of <- function(state) {
  arguments <- shown_arguments(state$config, shown_seed(state))
  paste0(state$class_name, "(", toString(arguments), ")")
}

# The seed in use, or the class of a generator that Python made, as R code.
shown_seed <- function(state) {
  class <- state$seed_class
  if (is.null(class)) show_value(state$seed) else paste0("<", class, ">")
}

# The arguments of an initializer as R code, with the seed in use as the last one.
shown_arguments <- function(config, seed) {
  for (name in c("input_axes", "output_axes")) {
    config[[name]] <- config[[name]] # drops the element if it is NULL
  }
  given <- config[names(config) != "seed"]
  shown <- sprintf("%s = %s", names(given), vapply(given, show_value, ""))
  if ("seed" %in% names(config)) c(shown, paste("seed =", seed)) else shown
}

#' @rdname pyinit_initializer
#' @export
print.pyinit_initializer <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @rdname pyinit_initializer
#' @export
`$.pyinit_initializer` <- function(x, name) {
  state <- state_of(x)
  # elements of Python objects, which keras3::get_config() uses
  switch(name,
    get_config = function() get_config(x),
    clone = function() new_initializer(state$class_name, state$config),
    seed = seed_of(state),
    `__class__` = initializer_object(state)$`__class__`,
    if (name %in% names(state$config)) {
      state$config[[name]]
    } else {
      other_argument(state, name)
    }
  )
}

# An argument that the configuration leaves out, such as the scale of HeNormal.
other_argument <- function(state, name) {
  others <- other_arguments(state)
  if (!name %in% names(others)) {
    stop_pyinit(state$class_name, " has no element `", name, "`")
  }
  others[[name]]
}

other_arguments <- function(state) {
  value_from_python(bridge()$other_arguments(handle_of(state)))
}

#' @importFrom utils .DollarNames
#' @export
.DollarNames.pyinit_initializer <- function(x, pattern = "") { # nolint: object_name_linter.
  state <- state_of(x)
  arguments <- c(names(state$config), names(other_arguments(state)))
  grep(pattern, c(arguments, "get_config", "clone"), value = TRUE)
}

#' @export
`$<-.pyinit_initializer` <- function(x, name, value) { # nolint: object_name_linter.
  stop_pyinit("`", name, "` cannot be set: create a new initializer")
}

#' @export
`[[<-.pyinit_initializer` <- `$<-.pyinit_initializer`

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_initializer <- function(x, convert = FALSE) {
  initializer_object(state_of(x))
}
