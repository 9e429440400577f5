# Summaries and comparison of initializers and seed generators.

#' Summary of an initializer for a shape
#'
#' @description
#' Shows the fans of a shape and the distribution of the values of a tensor of that shape: mean,
#' standard deviation and limits. No values are drawn.
#'
#' @param object
#' An initializer, see [pyinit_initializer].
#'
#' @param shape
#' The dimensions of the tensor, whole numbers. With `NULL`, only the arguments of the initializer
#' are shown.
#'
#' @param x
#' A summary.
#'
#' @param ...
#' Not used.
#'
#' @returns
#' An object of class `summary.pyinit_initializer`, a list with
#' - `initializer`: the class and its arguments, a string,
#' - `shape`, `fan_in`, `fan_out`,
#' - `distribution`: `"uniform"`, `"normal"`, `"truncated_normal"`, `"orthogonal"` or `"constant"`.
#'   It is `NULL`, as are the elements below, if the values of the tensor have different
#'   distributions,
#' - `mean`, `stddev`: of the values, after truncation if the distribution is truncated,
#' - `minval`, `maxval`: the limits of the values.
#'
#' In Python, `initializer.summary(shape)` returns the same fields.
#'
#' @export
#' @examplesIf pyinit_available()
#' summary(initializer_glorot_uniform(seed = 1), shape = c(100, 50))
#' summary(initializer_he_normal(seed = 1), shape = c(3, 3, 16, 32))$stddev
summary.pyinit_initializer <- function(object, shape = NULL, ...) {
  check_dots_empty(...)
  state <- state_of(object)
  summary <- if (!is.null(shape)) {
    shape <- as_sizes("shape", shape)
    value_from_python(bridge()$summarized(handle_of(state), as.list(shape)))
  }
  summary$shape <- shape
  structure(c(list(initializer = code_of(state)), summary), class = "summary.pyinit_initializer")
}

#' @rdname summary.pyinit_initializer
#' @export
print.summary.pyinit_initializer <- function(x, ...) { # nolint: object_name_linter.
  cat("<pyinit initializer> ", x$initializer, "\n", sep = "")
  if (is.null(x$shape)) {
    cat("For its distribution, pass a shape: summary(initializer, shape = c(4, 3))\n")
    return(invisible(x))
  }
  shown <- list(shape = show_value(x$shape), fan_in = x$fan_in, fan_out = x$fan_out)
  if (!is.null(x$distribution)) {
    shown$distribution <- gsub("_", " ", x$distribution, fixed = TRUE)
    shown$mean <- x$mean
    shown$stddev <- x$stddev
    shown$limits <- paste(format(x$minval), "to", format(x$maxval))
  }
  shown <- vapply(shown, function(value) format(value, digits = 7L), "")
  cat(sprintf("  %-13s %s\n", names(shown), shown), sep = "")
  invisible(x)
}

#' @importFrom utils str
#' @export
str.pyinit_initializer <- function(object, ...) {
  cat(" ", format(object), "\n", sep = "")
}

#' Compare initializers and seed generators
#'
#' @description
#' Two initializers are equal if they have the same class, the same arguments and the same seed in
#' use, so that their calls return the same values. Seed generators are equal only to themselves,
#' since each has draws of its own; `all.equal()` compares their arguments.
#'
#' `identical()` is `TRUE` only for the same object, as for all functions with an environment.
#'
#' @param e1,e2,target,current
#' Initializers or seed generators.
#'
#' @param ...
#' Not used.
#'
#' @returns
#' `==` and `!=` return `TRUE` or `FALSE`. `all.equal()` returns `TRUE`, or a character vector that
#' describes the differences.
#'
#' @name comparison
#' @examplesIf pyinit_available()
#' initializer_he_normal(seed = 1) == initializer_he_normal(seed = 1)
#' all.equal(initializer_he_normal(seed = 1), initializer_he_normal(seed = 2))
NULL

#' @rdname comparison
#' @export
Ops.pyinit_initializer <- function(e1, e2) { # nolint: object_name_linter.
  compare_objects(.Generic, e1, e2)
}

#' @rdname comparison
#' @export
Ops.pyinit_seed_generator <- Ops.pyinit_initializer # nolint: object_name_linter.

compare_objects <- function(operator, e1, e2) {
  switch(operator,
    `==` = are_same(e1, e2),
    `!=` = !are_same(e1, e2),
    stop_pyinit(
      "`", operator, "` is not defined for initializers and seed generators",
      class = "pyinit_type_error"
    )
  )
}

are_same <- function(x, y) {
  if (!is_initializer(x) || !is_initializer(y)) {
    return(identical(x, y))
  }
  x <- arguments_in_use(x)
  y <- arguments_in_use(y)
  # two generators with equal arguments have draws of their own
  same_seed <- identical(x$seed, y$seed) || isTRUE(is_fixed(x$seed) && x$seed == y$seed)
  same_seed && isTRUE(all.equal(x[names(x) != "seed"], y[names(y) != "seed"], tolerance = 0))
}

is_fixed <- function(seed) {
  is.numeric(seed) || inherits(seed, "pyinit_seed")
}

# The class and the arguments of an initializer, with the seed in use.
arguments_in_use <- function(x) {
  state <- state_of(x)
  arguments <- state$config
  if ("seed" %in% names(arguments)) {
    arguments$seed <- seed_of(state)
  }
  c(list(class = state$class_name), arguments)
}

#' @rdname comparison
#' @method all.equal pyinit_initializer
#' @export
all.equal.pyinit_initializer <- function(target, current, ...) { # nolint: object_name_linter.
  if (!is_initializer(current)) {
    return("current is not a pyinit initializer")
  }
  differences(
    arguments_in_use(target), arguments_in_use(current), are_same(target, current)
  )
}

#' @rdname comparison
#' @method all.equal pyinit_seed_generator
#' @export
all.equal.pyinit_seed_generator <- function(target, current, ...) { # nolint: object_name_linter.
  if (!is_seed_generator(current)) {
    return("current is not a pyinit seed generator")
  }
  in_use <- function(generator) list(seed = generator$seed, name = generator$name)
  target <- in_use(target)
  current <- in_use(current)
  differences(target, current, identical(lapply(target, show_value), lapply(current, show_value)))
}

# TRUE, or a string for each argument that differs.
differences <- function(x, y, same) {
  if (same) {
    return(TRUE)
  }
  names <- union(names(x), names(y))
  shown <- function(arguments, name) {
    if (name %in% names(arguments)) show_value(arguments[[name]]) else "not an argument"
  }
  found <- vapply(names, function(name) c(shown(x, name), shown(y, name)), c("", ""))
  differ <- found[1L, ] != found[2L, ]
  if (!any(differ)) {
    return("seed: different objects that print alike")
  }
  unname(sprintf("%s: %s, %s", names, found[1L, ], found[2L, ])[differ])
}
