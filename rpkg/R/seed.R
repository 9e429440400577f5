# Seeds: numbers, generators of a sequence of draws, and where fresh seeds come from.

#' A seed that gives new values at every draw
#'
#' @description
#' An initializer with a number as its seed repeats its values at every call. With a seed
#' generator, each call takes the generator's next draw; initializers that share one generator
#' never share values. The first draw is what the number itself would give.
#'
#' Keras' own seed generator, a Python object, serves as a seed too.
#'
#' # Elements
#' `generator$seed` and `generator$name` are the arguments; `` generator$`next`() `` takes the next
#' draw and returns it as `c(seed, draw)`, the draw counting from 0 (as a list, if the seed is one
#' of [derive_seed()]); `generator$get_config()` is [get_config()].
#'
#' @param seed
#' A whole number from -2^53 to 2^53, a seed of [derive_seed()], or `NULL` for a fresh one from R's
#' own generator.
#'
#' @param name
#' A name for printing and configurations; made up if `NULL`.
#'
#' @param ...
#' Not used; there for compatibility with keras3.
#'
#' @returns
#' A seed generator, to be given to initializers as their `seed`.
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
  if (!is.null(seed)) {
    seed <- as_fixed_seed(
      seed, "a whole number from -2^53 to 2^53, a seed of derive_seed(), or NULL"
    )
  }
  check_missing(list(name = name))
  fresh_seed <- NULL
  # an environment: everyone who holds the generator shares its draws
  generator <- new.env(parent = emptyenv())
  generator$seed <- seed
  if (is.null(seed)) {
    restore <- save_random_state()
    on.exit(if (is.null(generator[["object"]])) restore())
    fresh_seed <- generator$seed <- sample_seed()
  }
  generator$object <- construct_generator(list(seed = seed, name = name), fresh_seed)
  if (is.null(name)) {
    name <- reticulate::py_to_r(reticulate::py_get_attr(generator$object, "name"))
  }
  generator$config <- list(seed = seed, name = name)
  structure(generator, class = "pyinit_seed_generator")
}

construct_generator <- function(config, fresh_seed) {
  call_python(bridge()$construct_generator(config$seed, config$name, fresh_seed))
}

generator_object <- function(generator) {
  object <- generator[["object"]]
  if (reticulate::py_is_null_xptr(object)) {
    config <- generator[["config"]]
    object <- construct_generator(config, if (is.null(config$seed)) generator[["seed"]])
    assign("object", object, envir = generator)
  }
  object
}

next_draw <- function(object) {
  drawn <- value_from_python(bridge()$next_draw(object))
  if (is.list(drawn)) list(new_seed(drawn[[1L]]), drawn[[2L]]) else drawn
}

#' Seeds R and Python
#'
#' @description
#' Makes initializers without a seed reproducible, and everything else that draws from R's or
#' Python's own generators. The seed goes to
#'
#' - R, as by [set.seed()]: an initializer or seed generator that is made in R without a seed takes
#'   one from there,
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
  allowed <- "a whole number from 0 to 2^32 - 1"
  seed <- as_seed_number(seed, allowed)
  if (seed < 0 || seed >= 2^32) {
    stop_argument("seed", seed, allowed)
  }
  call_python(bridge()$seed_python(seed))
  # set.seed() takes the integers of R
  set.seed(if (seed < 2^31) seed else 2^31 - seed)
  invisible()
}

#' The seed of one named thing, from the seed of the whole
#'
#' @description
#' Gives each named thing, such as a weight, a seed of its own from one seed. Different names give
#' unrelated seeds, and a name's seed depends on no other name: weights that are added, removed or
#' reordered leave the others as they are. [initialize_model()] does so for all weights of a model
#' of Keras.
#'
#' @details
#' The seed is the first 8 bytes, big-endian, of the SHA-256 digest of these bytes: the ASCII text
#' `pyinit derive_seed 1`, a zero byte, `seed` modulo 2^64 in decimal, a zero byte, and `name` in
#' UTF-8. It is the one that `pyinit.derive_seed()` gives in Python.
#'
#' Its 64 bits are more than a number of R holds, so it is an object of class `pyinit_seed`: its
#' digits, as a string. It goes wherever this package takes a seed, can be saved, and arrives in
#' Python as an integer. `as.character()` gives the digits.
#'
#' @param seed
#' A whole number from -2^53 to 2^53, or another seed of `derive_seed()`.
#'
#' @param name
#' A string.
#'
#' @returns
#' A seed from 0 to 2^64 - 1, of class `pyinit_seed`.
#'
#' @export
#' @family seeds
#' @examplesIf pyinit_available()
#' seed <- derive_seed(42, "dense/kernel")
#' seed
#' initializer_he_normal(seed = seed)(shape = c(2, 2))
derive_seed <- function(seed, name) {
  seed <- as_fixed_seed(seed, "a whole number from -2^53 to 2^53, or a seed of derive_seed()")
  if (!is.character(name) || length(name) != 1L || is.na(name)) {
    stop_argument("name", name, "a string")
  }
  name <- enc2utf8(as.vector(name))
  new_seed(value_from_python(bridge()$derived_seed(seed, name)))
}

new_seed <- function(digits) {
  structure(digits, class = "pyinit_seed")
}

# A configuration that Python has described, with the seeds that came in decimal as seeds.
with_exact_seeds <- function(config) {
  for (name in names(config)) {
    value <- config[[name]]
    if (is.list(value)) {
      config[[name]] <- with_exact_seeds(value)
    } else if (name == "seed" && is.character(value)) {
      config[[name]] <- new_seed(value)
    }
  }
  config
}

#' @export
format.pyinit_seed <- function(x, ...) {
  as.character(x)
}

#' @export
print.pyinit_seed <- function(x, ...) {
  cat("<pyinit seed> ", format(x), "\n", sep = "")
  invisible(x)
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_seed <- function(x, convert = FALSE) {
  bridge()$integer(as.character(x))
}

# What can be a seed: a number, a generator (or the configuration of one), NULL. Whether a Python
# object can be one is for Python to say.
as_seed <- function(seed) {
  if (is.null(seed) || inherits(seed, c("pyinit_seed_generator", "python.builtin.object"))) {
    seed
  } else if (is.list(seed) && identical(seed$class_name, "SeedGenerator") && is.list(seed$config)) {
    do.call(random_seed_generator, seed$config)
  } else {
    as_fixed_seed(
      seed, paste(
        "a whole number from -2^53 to 2^53, a seed of derive_seed(), a random_seed_generator()",
        "or NULL"
      )
    )
  }
}

# A seed that stands for itself.
as_fixed_seed <- function(seed, allowed) {
  if (inherits(seed, "pyinit_seed")) seed else as_seed_number(seed, allowed)
}

as_seed_number <- function(seed, allowed) {
  number <- is.numeric(seed) && !is.object(seed) && length(seed) == 1L
  # not TRUE for NA and NaN
  if (!number || !isTRUE(seed == trunc(seed) && abs(seed) <= 2^53)) {
    stop_argument("seed", seed, allowed)
  }
  as.vector(seed)
}

# Default seed when none is given: from R's own generator, so that set.seed() makes it reproducible,
# in the range of Python's.
sample_seed <- function() {
  sample.int(1e9L, 1L)
}

# Returns a function that sets R's random number generator back to its present state: an error takes
# no draw from it.
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

#' @export
format.pyinit_seed_generator <- function(x, ...) {
  config <- x[["config"]]
  paste0(
    "random_seed_generator(seed = ", show_value(x[["seed"]]), ", name = ", show_value(config$name),
    ")"
  )
}

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

# The draws are Python's: an element set here would be shown, and have no effect.
#' @export
`$<-.pyinit_seed_generator` <- function(x, name, value) { # nolint: object_name_linter.
  stop_pyinit("`", name, "` cannot be set: make another random_seed_generator()")
}

#' @export
`[[<-.pyinit_seed_generator` <- `$<-.pyinit_seed_generator`

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_seed_generator <- function(x, convert = FALSE) {
  generator_object(x)
}
