# Configurations and descriptions of initializers, and initializers by name.

#' Configuration of an initializer
#'
#' @description
#' `get_config()` returns the arguments of an initializer or a seed generator as a list, with the
#' keys of the Keras class of that name. An array in it is an R array. `from_config()` constructs an
#' object from such a list.
#'
#' A seed that was not given is `NULL` in the configuration: an initializer constructed from it has
#' a fresh seed. Numbers are exact. A seed of more than 15 digits has the class `pyinit_seed` (see
#' [derive_seed()]), so that text formats preserve it. The list can be saved with [saveRDS()] and
#' used in another session.
#'
#' Both functions also accept other Python objects with a configuration, such as Keras layers, as
#' the functions of the same names in keras3 do.
#'
#' @param object
#' An initializer or a [random_seed_generator()].
#'
#' @param config
#' A list from `get_config()`, whose attribute `__class__` is the class to construct. For a list
#' without it, see [deserialize_initializer()].
#'
#' @param custom_objects
#' A named list of your own Python classes.
#'
#' @returns
#' `get_config()` returns a named list, `from_config()` an initializer or a seed generator.
#'
#' @export
#' @family configuration functions
#' @examplesIf pyinit_available()
#' initializer <- initializer_variance_scaling(scale = 2, seed = 1)
#' config <- get_config(initializer)
#' str(config)
#' from_config(config)
get_config <- function(object) {
  check_given()
  if (is_initializer(object)) {
    state <- state_of(object)
    return(structure(state$config, `__class__` = state$class_name))
  }
  if (is_seed_generator(object)) {
    return(structure(object[["config"]], `__class__` = "SeedGenerator"))
  }
  if (!is_python_object(object) || !reticulate::py_has_attr(object, "get_config")) {
    stop_argument("object", object, paste0(allowed_initializer, ", or a random_seed_generator()"))
  }
  call_python(structure(object$get_config(), `__class__` = object$`__class__`))
}

#' @rdname get_config
#' @export
from_config <- function(config, custom_objects = NULL) {
  check_given()
  class <- attr(config, "__class__", exact = TRUE)
  if (identical(class, "SeedGenerator")) {
    return(generator_of_config(config))
  }
  if (is.character(class)) {
    described <- list(class_name = class, config = config)
    return(keep_unused_random_state(deserialize_initializer(described, custom_objects)))
  }
  if (!is_python_object(class)) {
    stop_argument("config", config, "a list that get_config() returned in this session")
  }
  custom_objects <- as_custom_objects(custom_objects)
  if (is.null(custom_objects)) {
    class$from_config(config)
  } else {
    class$from_config(config, custom_objects)
  }
}

#' Look up, serialize and deserialize initializers
#'
#' @description
#' `get_initializer()` returns an initializer for any identifier that a Keras layer accepts, such as
#' a name. `serialize_initializer()` describes an initializer by its class and configuration, and
#' `deserialize_initializer()` constructs it from such a description, ours or Keras'.
#'
#' The list of `serialize_initializer()` can be written as JSON with
#' `jsonlite::toJSON(description, digits = NA)`. The list that `jsonlite::fromJSON()` reads gives
#' the same initializer. Other values of `digits` round numbers.
#'
#' In Python, these functions also have the names of Keras: `pyinit.get()`, `pyinit.serialize()` and
#' `pyinit.deserialize()`. In R, `get()` and `serialize()` are base functions.
#'
#' @param identifier
#' A name (any alias that Keras accepts), a list from `serialize_initializer()`, an initializer, a
#' function such as `initializer_he_normal`, which is called without arguments, another function
#' with arguments `shape` and `dtype`, an array of numbers (the initial values of a tensor of the
#' array's shape), or `NULL`.
#'
#' @param initializer
#' An initializer.
#'
#' @param config
#' A list with `class_name`, which may be any alias that Keras accepts, and `config`.
#'
#' @param custom_objects
#' A named list of your own Python classes.
#'
#' @returns
#' `get_initializer()` and `deserialize_initializer()` return an initializer. A function and `NULL`
#' are returned unchanged, an array gives a function of `shape` and `dtype`, and a class of your own
#' a Python object.
#'
#' `serialize_initializer()` returns a list with `module`, `class_name`, `config` and
#' `registered_name`.
#'
#' @export
#' @family configuration functions
#' @examplesIf pyinit_available()
#' get_initializer("he_normal")
#'
#' description <- serialize_initializer(initializer_identity(gain = 2))
#' str(description)
#' deserialize_initializer(description)
get_initializer <- function(identifier) {
  check_given()
  keep_unused_random_state(get_initializer_for("identifier", identifier))
}

# get_initializer() for an argument of another function, which the errors name.
get_initializer_for <- function(name, identifier) {
  identifier <- as_called(identifier)
  if (is.object(identifier)) {
    identifier <- plain_argument(name, identifier)
  }
  # since reticulate 1.41, Python's callables are R functions
  if (is.null(identifier) || is.function(identifier) && !is_python_object(identifier)) {
    return(identifier)
  }
  if (is.list(identifier)) {
    return(described_initializer(name, identifier))
  }
  if (is_array_of_numbers(identifier)) {
    return(array_initializer(identifier))
  }
  named_initializer(name, identifier)
}

# The initializer of a name, or of an object of Python.
named_initializer <- function(name, identifier) {
  if (!is.character(identifier) && !is_python_object(identifier)) {
    stop_argument(name, identifier, "a name, a list, a function, an array or NULL")
  }
  identifier <- plain_argument(name, identifier)
  registry <- python_package()$initializers$registry
  as_initializer(call_python(registry$get_argument(name, identifier)))
}

described_initializer <- function(name, description) {
  if (!is.list(description$config)) {
    allowed <- "a list with `class_name` and `config`, itself a list, or another identifier"
    stop_argument(name, description, allowed)
  }
  deserialize_initializer(description)
}

#' @rdname get_initializer
#' @export
serialize_initializer <- function(initializer) {
  check_given()
  if (!is_initializer(initializer)) {
    stop_argument("initializer", initializer, allowed_initializer)
  }
  serialized <- with_exact_seeds(value_from_python(bridge()$serialized(initializer)))
  serialized$config <- with_array(serialized$config, state_of(initializer)$config[["value"]])
  serialized
}

#' @rdname get_initializer
#' @export
deserialize_initializer <- function(config, custom_objects = NULL) {
  check_given()
  if (!is.list(config) || is.object(config) || !is.list(config$config)) {
    stop_argument("config", config, "a list with `class_name` and `config`, itself a list")
  }
  custom_objects <- as_custom_objects(custom_objects)
  config <- with_exact_seeds(without_empty_lists(plain_arguments(config)))
  config$config <- python_dict(sequences_as_lists(config$config))
  as_initializer(call_python(bridge()$construct_from(config, custom_objects)))
}

# The user's own classes, or NULL.
as_custom_objects <- function(custom_objects) {
  if (is.list(custom_objects) && !is.object(custom_objects)) {
    check_length("custom_objects", custom_objects)
    are_python <- vapply(custom_objects, is_python_object, NA)
    if (all(are_python) && (length(custom_objects) == 0L || has_unique_names(custom_objects))) {
      return(if (length(custom_objects) > 0L) custom_objects)
    }
  } else if (is.null(custom_objects)) {
    return(NULL)
  }
  stop_argument("custom_objects", custom_objects, "NULL or a named list of Python classes")
}

# Replaces empty lists by NULL, which jsonlite writes as {}. The configuration of a class without
# arguments stays an empty list.
without_empty_lists <- function(config) {
  for (name in names(config)) {
    value <- config[[name]]
    if (is.list(value) && !is.object(value)) {
      is_null <- length(value) == 0L && name != "config"
      config[name] <- list(if (!is_null) without_empty_lists(value))
    }
  }
  config
}

# A single number without dimensions is more likely a mistake than an array.
is_array_of_numbers <- function(x) {
  (is.numeric(x) || is.logical(x)) && (length(x) != 1L || !is.null(dim(x)))
}
