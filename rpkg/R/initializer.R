# The R object that an initializer is: a function, with its state in the enclosing environment.
#
# The state is what the configuration says (`class_name`, `config`), the seed in use (`seed`: a
# number or a seed generator) and the Python object (`object`), which does not outlive the session
# and is made again from the rest when it is needed.

#' Initializers are functions
#'
#' @description
#' What the `initializer_*()` functions return is a function of class `pyinit_initializer`. It is
#' called with a shape and returns an array of initial weights, and can be given to a layer of
#' Keras as it is, from R (the keras3 package) or through reticulate.
#'
#' It can be saved with [saveRDS()] and read in another session: it then draws the same values. A
#' seed generator starts anew there, as with [from_config()].
#'
#' # Call
#' ```r
#' initializer(shape, dtype = NULL, ..., device = NULL,
#'             partition_shape = NULL, partition_offset = NULL)
#' ```
#'
#' - `shape`: the dimensions of the tensor, whole numbers.
#' - `dtype`: the name of the type of which the values are, by default [floatx()]. The random
#'   initializers know `"float16"`, `"bfloat16"`, `"float32"` and `"float64"`, the constant ones
#'   integer types and `"bool"` too. An R array holds them as doubles, integers or logicals,
#'   exactly. The dtype changes the precision of the weights, not the weights.
#' - `device`: `"cpu"`, `"cuda"` or `"cuda:1"`; `NULL` is the option `pyinit.device`, or else
#'   [default_device()]. The values are the same, and the array is in R's memory.
#' - `partition_shape`, `partition_offset`: the dimensions of a part of the tensor and where it
#'   starts along each axis, counted from 0: exactly that slice of the full tensor is returned, at
#'   the cost of the slice.
#' - `...`: not used; the arguments after it must be named.
#'
#' # Elements
#' `initializer$seed` is the seed in use, also if it was drawn from R's generator;
#' `initializer$scale` and so on are the other arguments. `initializer$get_config()` is
#' [get_config()], and `initializer$clone()` is a new initializer with the same arguments (and a
#' seed of its own, if none was given).
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
#' `format()` returns the call with all arguments, as a string; `print()` shows it and returns
#' `x`, invisibly.
#'
#' @name pyinit_initializer
#' @examplesIf pyinit_available()
#' initializer <- initializer_he_normal(seed = 1)
#' initializer
#' initializer(shape = c(2, 3))
#'
#' # The last two rows only:
#' full <- initializer(shape = c(5, 3))
#' part <- initializer(shape = c(5, 3), partition_shape = c(2, 3), partition_offset = c(3, 0))
#' identical(part, full[4:5, ])
NULL

new_initializer <- function(class_name, config) {
  state <- new.env(parent = emptyenv())
  state$seed <- as_seed(config[["seed"]])
  check_missing(config)
  state$object <- construct(class_name, config, state$seed)
  described <- reticulate::py_to_r(call_python(bridge()$describe(state$object)))
  state$class_name <- described$class_name
  state$config <- with_exact_seeds(described$config)
  if ("seed" %in% names(state$config) && is.null(state$seed)) {
    state$seed <- draw_seed()
    reticulate::py_set_attr(state$object, "seed", state$seed)
  }
  initializer_function(state)
}

# The function alone, so that its environment holds the state and nothing else.
initializer_function <- function(state) {
  structure(
    function(shape, dtype = NULL, ..., device = NULL,
             partition_shape = NULL, partition_offset = NULL) {
      check_dots_empty(...)
      object <- initializer_object(state)
      if (is.null(device)) {
        device <- getOption("pyinit.device")
      }
      draw_array(object, shape, dtype, partition_shape, partition_offset, device)
    },
    class = c("pyinit_initializer", "function")
  )
}

state_of <- function(initializer) {
  environment(initializer)$state
}

# The R object for an initializer that Python made: one of a class of the user's own stays as it is.
as_initializer <- function(object) {
  described <- reticulate::py_to_r(call_python(bridge()$describe(object)))
  if (is.null(described)) {
    return(object)
  }
  new_initializer(described$class_name, with_exact_seeds(described$config))
}

initializer_object <- function(state) {
  if (reticulate::py_is_null_xptr(state$object)) {
    state$object <- construct(state$class_name, state$config, state$seed)
    if ("seed" %in% names(state$config) && is.null(state$config$seed)) {
      reticulate::py_set_attr(state$object, "seed", state$seed)
    }
  }
  state$object
}

# `seed` is what as_seed() made of the one in `config`.
construct <- function(class_name, config, seed) {
  if (inherits(seed, "pyinit_seed_generator")) {
    config$seed <- generator_object(seed)
  } else if (inherits(seed, "python.builtin.object") && !reticulate::py_is_null_xptr(seed)) {
    config$seed <- seed
  }
  call_python(do.call(bridge()$construct, c(list(class_name), sequences_as_lists(config))))
}

# A vector of one number becomes a Python scalar, where Python expects a sequence.
sequences_as_lists <- function(config) {
  for (name in intersect(names(config), c("window", "input_axes", "output_axes"))) {
    if (is.numeric(config[[name]])) {
      config[[name]] <- as.list(as.vector(config[[name]]))
    }
  }
  config
}

# reticulate makes TRUE of NA, the smallest integer of NA_integer_ and "NA" of NA_character_.
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

#' @rdname pyinit_initializer
#' @export
format.pyinit_initializer <- function(x, ...) {
  state <- state_of(x)
  arguments <- state$config
  for (name in c("input_axes", "output_axes")) {
    arguments[[name]] <- arguments[[name]] # which drops the element if it is NULL
  }
  if ("seed" %in% names(arguments)) {
    arguments$seed <- NULL
    arguments <- c(arguments, list(seed = state$seed))
  }
  shown <- sprintf("%s = %s", names(arguments), vapply(arguments, show_value, ""))
  paste0("<pyinit initializer> ", state$class_name, "(", toString(shown), ")")
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
  # Python's own elements, which keras3::get_config() asks for
  switch(name,
    get_config = function() get_config(x),
    clone = function() new_initializer(state$class_name, state$config),
    seed = state$seed,
    `__class__` = initializer_object(state)$`__class__`,
    {
      if (!name %in% names(state$config)) {
        stop_pyinit(state$class_name, " has no element `", name, "`")
      }
      state$config[[name]]
    }
  )
}

#' @export
`$<-.pyinit_initializer` <- function(x, name, value) { # nolint: object_name_linter.
  stop_pyinit("`", name, "` cannot be set: make another initializer")
}

#' @export
`[[<-.pyinit_initializer` <- `$<-.pyinit_initializer`

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_initializer <- function(x, convert = FALSE) {
  initializer_object(state_of(x))
}
