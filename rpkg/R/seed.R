# Seeds: numbers, seed generators, and fresh seeds.

#' Seed generator
#'
#' @description
#' An initializer with a number as its seed returns the same values at every call. With a seed
#' generator, each call takes the generator's next draw and returns new values; initializers that
#' share a generator never share values. The first draw is that of the number itself.
#'
#' It also serves as Keras' own seed generator, for layers, such as `layer_dropout()`, for
#' `keras3::random_normal()` and for Keras' initializers, which take draws from the same sequence.
#' Conversely, a seed generator of Keras, a Python object, can be the seed of an initializer.
#'
#' # Processes
#' A process forked by `parallel::mclapply()` or future's `multicore` plan has a copy of the
#' generator, whose draws would be those of its parent: taking one is an error there. A generator
#' sent to a process or read from a file starts again at its first draw. In both, draw from a
#' [lazy_tensor()], which takes its draw when it is made, or from an initializer with a number as
#' its seed, such as `derive_seed(seed, name)`.
#'
#' # Elements
#' `generator$seed` and `generator$name` are the arguments. `` generator$`next`() `` takes the next
#' draw and returns it as `c(seed, draw)`, where draws count from 0, or as a list if the seed is one
#' of [derive_seed()]. `generator$get_config()` is [get_config()].
#'
#' @param seed
#' A whole number from -2^53 to 2^53, a number of class integer64 (of the package bit64), a seed of
#' [derive_seed()], or `NULL` for a fresh seed from R's random number generator.
#'
#' @param name
#' A name for printing and configurations; generated if `NULL`.
#'
#' @param ...
#' Not used, for compatibility with keras3.
#'
#' @returns
#' A seed generator, for the `seed` argument of initializers.
#'
#' @export
#' @family seeds
#' @seealso
#' + <https://keras.io/api/random/seed_generator/>
#' @examplesIf pyinit_available()
#' generator <- random_seed_generator(seed = 42)
#' initializer <- initializer_random_normal(seed = generator)
#' first <- initializer(shape = c(2, 2))
#' second <- initializer(shape = c(2, 2))
#' identical(first, second)
random_seed_generator <- function(seed = NULL, name = NULL, ...) {
  check_dots_empty(...)
  seed <- as_optional_seed(seed)
  name <- plain_argument("name", name)
  fresh_seed <- NULL
  # an environment, so that all references to the generator share its draws
  generator <- new.env(parent = emptyenv())
  generator$seed <- seed
  if (is.null(seed)) {
    restore <- save_random_state()
    object <- NULL
    on.exit(if (is.null(object)) restore())
    fresh_seed <- generator$seed <- sample_seed()
  }
  object <- construct_generator(list(seed = seed, name = name), fresh_seed)
  keep_python_object(generator, object)
  if (is.null(name)) {
    name <- value_from_python(reticulate::py_get_attr(object, "name"))
  }
  generator$config <- list(seed = seed, name = name)
  structure(generator, class = "pyinit_seed_generator")
}

construct_generator <- function(config, fresh_seed) {
  call_python(bridge()$construct_generator(config$seed, config$name, fresh_seed))
}

generator_object <- function(generator) {
  object <- find_python_object(generator)
  if (is.null(object)) {
    config <- generator[["config"]]
    object <- construct_generator(config, if (is.null(config$seed)) generator[["seed"]])
    keep_python_object(generator, object)
  }
  object
}

next_draw <- function(object) {
  drawn <- value_from_python(bridge()$next_draw(object))
  if (is.list(drawn)) list(new_seed(drawn[[1L]]), drawn[[2L]]) else drawn
}

#' Set the seed of R and Python
#'
#' @description
#' Makes initializers without a seed reproducible, and all other code that uses R's or Python's
#' random number generators. Sets the seed of
#'
#' - R, as [set.seed()] does: initializers and seed generators created in R without a seed take one
#'   from R's generator,
#' - Python's `random` module,
#' - NumPy's global generator.
#'
#' @param seed
#' A whole number from 0 to 2^32 - 1.
#'
#' @returns
#' `NULL`, invisibly.
#'
#' @export
#' @family seeds
#' @seealso
#' + <https://keras.io/api/utils/python_utils/#setrandomseed-function>
#' @examplesIf pyinit_available()
#' set_random_seed(1)
#' first <- initializer_he_normal()
#' set_random_seed(1)
#' second <- initializer_he_normal()
#' identical(first$seed, second$seed)
set_random_seed <- function(seed) {
  check_given()
  allowed <- "a whole number from 0 to 2^32 - 1"
  seed <- as_seed_number(if (is_integer64(seed)) seed_of_integer64(seed) else seed, allowed)
  if (seed < 0 || seed >= 2^32) {
    stop_argument("seed", seed, allowed)
  }
  call_python(bridge()$seed_python(seed))
  # set.seed() takes the integers of R
  set.seed(if (seed < 2^31) seed else 2^31 - seed)
  invisible()
}

#' Derive a seed for a name from a model's seed
#'
#' @description
#' Gives each weight, or anything else with a name, its own seed. Different names give unrelated
#' seeds, and the seed of a name does not depend on other names: adding, removing or reordering
#' weights leaves the others unchanged. [initialize_model()] does this for all weights of a Keras
#' model.
#'
#' @details
#' The seed is the start of a SHA-256 digest; the page "The random stream" of the documentation
#' (`docs/stream.md`) specifies it to the byte. `pyinit.derive_seed()` in Python returns the same.
#'
#' R's numbers cannot hold its 64 bits, so it is an object of class `pyinit_seed`, a string of
#' digits. It can be saved, is accepted wherever this package takes a seed, and is an integer in
#' Python. `as.character()` returns the digits.
#'
#' Seeds form a vector: `c()`, `[`, `rep()`, `unique()`, `lapply()` and `data.frame()` keep the
#' class, and `==` compares them with each other and with numbers. In JSON they are strings. A
#' string of digits is accepted as a seed, so seeds can be read back with `jsonlite::fromJSON()` or
#' `read.csv(colClasses = "character")`.
#'
#' @param seed
#' A whole number from -2^53 to 2^53, or another seed of `derive_seed()`.
#'
#' @param name
#' One or more strings, at most 2^20, without control characters.
#'
#' @returns
#' Seeds from 0 to 2^64 - 1, of class `pyinit_seed`: one for each name, with the names of `name`.
#'
#' @export
#' @family seeds
#' @examplesIf pyinit_available()
#' seed <- derive_seed(42, "dense/kernel")
#' seed
#' initializer_he_normal(seed = seed)(shape = c(2, 2))
#'
#' # One seed for each weight:
#' names <- c("dense/kernel", "dense/bias")
#' data.frame(name = names, seed = derive_seed(42, names))
derive_seed <- function(seed, name) {
  check_given()
  seed <- as_fixed_seed(seed)
  if (!is_strings(name)) {
    stop_argument("name", name, "one or more strings, at most 2^20")
  }
  strings <- as_utf8("name", as.vector(unclass(name)))
  digits <- value_from_python(bridge()$derived_seeds(seed, as.list(strings)))
  new_seed(stats::setNames(as.character(digits), names(name)))
}

# "character" is for packages that dispatch on the types of R, such as jsonlite.
new_seed <- function(digits) {
  structure(digits, class = c("pyinit_seed", "character"))
}

# Converts the decimal strings in a configuration from Python to seeds.
with_exact_seeds <- function(config) {
  names <- names(config)
  for (i in seq_along(config)) {
    value <- config[[i]]
    if (is.list(value) && !is.object(value)) {
      config[[i]] <- with_exact_seeds(value)
    } else if (is_digits(value) && identical(names[i], "seed")) {
      config[[i]] <- new_seed(value)
    }
  }
  config
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_seed <- function(x, convert = FALSE) {
  if (length(x) == 1L) bridge()$integer(digits_of(x)) else bridge()$integers(as.list(digits_of(x)))
}

# Checks a seed: a number, a generator (or its configuration) or NULL. Python checks Python objects.
as_seed <- function(seed) {
  if (is_none(seed)) {
    NULL
  } else if (is.null(seed) || is_seed_generator(seed) || is_python_object(seed)) {
    seed
  } else if (is_description_of_generator(seed)) {
    generator_of_config(seed$config)
  } else {
    as_fixed_seed(seed, paste0(allowed_seed, ", a random_seed_generator() or NULL"))
  }
}

is_description_of_generator <- function(x) {
  is.list(x) && !is.object(x) && identical(x$class_name, "SeedGenerator") && is.list(x$config)
}

# The generator of a configuration.
generator_of_config <- function(config) {
  if (!is.list(config) || is.object(config) || length(config) > length(names(config))) {
    stop_argument("config", config, "a named list, from get_config()")
  }
  # do.call() would match a part of a name
  unknown <- setdiff(names(config), c("seed", "name"))
  if (length(unknown) > 0L) {
    stop_pyinit("Unused argument: ", unknown[[1L]], class = "pyinit_type_error")
  }
  do.call(random_seed_generator, with_exact_seeds(without_empty_lists(config)))
}

allowed_seed <- "a whole number from -2^53 to 2^53, its digits as a string, a seed of derive_seed()"

as_optional_seed <- function(seed) {
  if (!is.null(seed)) as_fixed_seed(seed, paste0(allowed_seed, ", or NULL"))
}

# Checks a seed that is not a generator. A string of digits is a derived seed that was in a file.
as_fixed_seed <- function(seed, allowed = sub(", ", ", or ", allowed_seed)) {
  if (is_integer64(seed) && length(seed) == 1L) {
    seed <- seed_of_integer64(seed)
  }
  if (!is.numeric(seed) && (is_one_seed(seed) || is_digits(seed))) {
    new_seed(as.vector(unclass(seed)))
  } else {
    as_seed_number(seed, allowed)
  }
}

as_seed_number <- function(seed, allowed) {
  # not TRUE for NA and NaN
  if (!is_plain_number(seed) || !isTRUE(seed == trunc(seed) && abs(seed) <= 2^53)) {
    stop_argument("seed", seed, allowed)
  }
  as.vector(seed)
}

# A number, or beyond 2^53 the seed with its digits.
seed_of_integer64 <- function(x) {
  digits <- digits_of_integer64(x)
  number <- as.double(digits)
  is_exact <- is.na(digits) | abs(number) <= 2^53 & sprintf("%.0f", number) == digits
  if (all(is_exact)) number else new_seed(digits)
}

# Default seed when none is given: from R's own generator, so that set.seed() makes it reproducible,
# in the range of Python's.
sample_seed <- function() {
  sample.int(1e9L, 1L)
}

# Returns a function that restores the present state of R's random number generator: a call that
# fails takes no draw from it.
save_random_state <- function() {
  saved <- get0(".Random.seed", globalenv(), inherits = FALSE)
  function() {
    if (is.null(saved)) {
      rm(".Random.seed", envir = globalenv())
    } else {
      assign(".Random.seed", saved, envir = globalenv())
    }
  }
}

# Evaluates a call and removes the random state that it creates without drawing from it. Every call
# of reticulate creates one in a session without, and future reports that as a draw.
keep_unused_random_state <- function(expr) {
  if (exists(".Random.seed", globalenv(), inherits = FALSE)) {
    return(expr)
  }
  stats::runif(1L)
  created <- get(".Random.seed", globalenv(), inherits = FALSE)
  on.exit({
    if (identical(get0(".Random.seed", globalenv(), inherits = FALSE), created)) {
      rm(".Random.seed", envir = globalenv())
    }
  })
  expr
}

#' @importFrom utils .DollarNames
#' @export
.DollarNames.pyinit_seed_generator <- function(x, pattern = "") { # nolint: object_name_linter.
  names <- grep(pattern, c("seed", "name", "next", "get_config"), value = TRUE)
  # a reserved word
  sub("^next$", "`next`", names)
}

#' @importFrom utils str
#' @export
str.pyinit_seed_generator <- function(object, ...) {
  cat(" <pyinit seed generator> ", format(object), "\n", sep = "")
}

#' @export
format.pyinit_seed_generator <- function(x, ...) {
  config <- x[["config"]]
  paste0(
    "random_seed_generator(seed = ", show_value(x[["seed"]]), ", name = ", show_value(config$name),
    ")"
  )
}

#' @export
summary.pyinit_seed_generator <- function(object, ...) object

#' @export
print.pyinit_seed_generator <- function(x, ...) {
  cat("<pyinit seed generator> ", format(x), "\n", sep = "")
  invisible(x)
}

#' @export
`$.pyinit_seed_generator` <- function(x, name) {
  switch(name,
    `next` = function() next_draw(generator_object(x)),
    get_config = function() get_config(x),
    seed = x[["seed"]],
    name = x[["config"]]$name,
    `__class__` = generator_object(x)$`__class__`,
    stop_pyinit("A seed generator has no element `", name, "`")
  )
}

# The generator is Python's: setting an element here would have no effect.
#' @export
`$<-.pyinit_seed_generator` <- function(x, name, value) { # nolint: object_name_linter.
  stop_pyinit("`", name, "` cannot be set: create a new random_seed_generator()")
}

#' @export
`[[<-.pyinit_seed_generator` <- `$<-.pyinit_seed_generator`

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_seed_generator <- function(x, convert = FALSE) {
  generator_object(x)
}
