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
#' draw and returns it as `c(seed, draw)`, the draw counting from 0; `generator$get_config()` is
#' [get_config()].
#'
#' @param seed
#' A whole number from -2^53 to 2^53, or `NULL` for a fresh one from R's own generator.
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
    seed <- as_seed_number(seed, "a whole number from -2^53 to 2^53, or NULL")
  }
  check_missing(list(name = name))
  object <- construct_generator(list(seed = seed, name = name))
  # an environment, so that all who hold the generator share its draws
  generator <- new.env(parent = emptyenv())
  generator$object <- object
  generator$config <- list(seed = seed, name = reticulate::py_to_r(object$name))
  generator$seed <- seed
  if (is.null(seed)) {
    generator$seed <- draw_seed()
    reticulate::py_set_attr(object, "seed", generator$seed)
  }
  structure(generator, class = "pyinit_seed_generator")
}

construct_generator <- function(config) {
  call_python(bridge()$construct_generator(config$seed, config$name))
}

generator_object <- function(generator) {
  object <- generator[["object"]]
  if (reticulate::py_is_null_xptr(object)) {
    object <- construct_generator(generator[["config"]])
    if (is.null(generator[["config"]]$seed)) {
      reticulate::py_set_attr(object, "seed", generator[["seed"]])
    }
    assign("object", object, envir = generator)
  }
  object
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

# What can be a seed: a number, a generator (or the configuration of one), NULL. Whether a Python
# object can be one is for Python to say.
as_seed <- function(seed) {
  if (is.null(seed) || inherits(seed, c("pyinit_seed_generator", "python.builtin.object"))) {
    seed
  } else if (is.list(seed) && identical(seed$class_name, "SeedGenerator") && is.list(seed$config)) {
    do.call(random_seed_generator, seed$config)
  } else {
    as_seed_number(
      seed, "a whole number from -2^53 to 2^53, a random_seed_generator() or NULL"
    )
  }
}

as_seed_number <- function(seed, allowed) {
  number <- is.numeric(seed) && !is.object(seed) && length(seed) == 1L
  # not TRUE for NA and NaN
  if (!number || !isTRUE(seed == trunc(seed) && abs(seed) <= 2^53)) {
    stop_argument("seed", seed, allowed)
  }
  as.vector(seed)
}

# A seed for who gave none: from R's own generator, so that set.seed() makes it reproducible. In
# the range of those that Python draws.
draw_seed <- function() {
  sample.int(1e9L, 1L)
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
    `next` = function() reticulate::py_to_r(call_python(bridge()$next_draw(generator_object(x)))),
    get_config = function() get_config(x),
    seed = x[["seed"]],
    name = x[["config"]]$name,
    `__class__` = generator_object(x)$`__class__`,
    stop_pyinit("A seed generator has no element `", name, "`")
  )
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_seed_generator <- function(x, convert = FALSE) {
  generator_object(x)
}
