# Compares the R package with the usual generators of R, with the same draw in Python, and with
# Keras' own initializers, called as the keras3 package calls them.
#
# Usage: Rscript r_benchmark.R RESPONSE SIDE ROUNDS
# Writes to the JSON file RESPONSE: `measurements`, each with `topic`, `comparison`, `method`,
# `distribution`, `shape` and the `seconds` of a call for each round; and `skipped`, each with
# `what` and `reason`.

arguments <- commandArgs(trailingOnly = TRUE)
response_file <- arguments[1]
side <- as.numeric(arguments[2])
rounds <- as.integer(arguments[3])

ours <- reticulate::import("benchmarks.ours", convert = FALSE)
initializers <- list(
  uniform = pyinit::initializer_random_uniform(seed = 1),
  normal = pyinit::initializer_random_normal(seed = 1),
  truncated_normal = pyinit::initializer_truncated_normal(seed = 1)
)

measurements <- list()
skipped <- list()

skip <- function(what, reason) {
  skipped[[length(skipped) + 1]] <<- list(what = what, reason = reason)
}

# The seconds of one call.
elapsed <- function(draw, loops = 1L) {
  start <- as.numeric(Sys.time())
  for (loop in seq_len(loops)) value <- draw()
  (as.numeric(Sys.time()) - start) / loops
}

# Runs the compared calls in turn. `timers` are functions that return the seconds of a call.
compare <- function(comparison, distribution, shape, timers, topic = "r") {
  seconds <- lapply(timers, function(timer) numeric(rounds))
  for (timer in timers) timer()
  for (round in seq_len(rounds)) {
    places <- seq_along(timers)
    for (place in if (round %% 2) places else rev(places)) {
      gc(verbose = FALSE)
      seconds[[place]][round] <- timers[[place]]()
    }
  }
  for (method in names(timers)) {
    measurements[[length(measurements) + 1]] <<- list(
      topic = topic, comparison = comparison, method = method, distribution = distribution,
      shape = I(shape), seconds = I(seconds[[method]])
    )
  }
}

timer <- function(draw, loops = 1L) {
  force(draw)
  function() elapsed(draw, loops)
}

n <- side^2
peers <- list(
  uniform = list("R: runif" = function() runif(n, -0.05, 0.05)),
  normal = list("R: rnorm" = function() rnorm(n, 0, 0.05)),
  truncated_normal = list()
)
if (requireNamespace("dqrng", quietly = TRUE)) {
  peers$uniform[["R: dqrng::dqrunif"]] <- function() dqrng::dqrunif(n, -0.05, 0.05)
  peers$normal[["R: dqrng::dqrnorm"]] <- function() dqrng::dqrnorm(n, 0, 0.05)
} else {
  skip("R: dqrng", "not installed")
}
if (requireNamespace("truncnorm", quietly = TRUE)) {
  peers$truncated_normal[["R: truncnorm::rtruncnorm"]] <- function() {
    truncnorm::rtruncnorm(n, -0.1, 0.1, 0, 0.05)
  }
} else {
  skip("R: truncnorm", "not installed")
}

# A NumPy array drawn by Python and converted by reticulate.
converted <- function(distribution) {
  reticulate::py_to_r(ours$draw_for_r(distribution, reticulate::tuple(
    as.integer(side), as.integer(side)
  )))
}
converts <- is.numeric(tryCatch(converted("uniform"), error = function(error) NULL))
if (!converts) {
  skip("R: reticulate's conversion", paste0(
    "reticulate ", packageVersion("reticulate"), " does not convert arrays of NumPy ",
    reticulate::py_to_r(reticulate::import("numpy", convert = FALSE)$`__version__`)
  ))
}

for (distribution in names(initializers)) {
  local({
    name <- distribution
    initializer <- initializers[[name]]
    timers <- c(
      list(
        "R: pyinit" = timer(function() initializer(c(side, side))),
        "Python, for R" = function() {
          reticulate::py_to_r(ours$time_draw_for_r(name, side, side))
        }
      ),
      lapply(peers[[name]], timer),
      if (converts) list("R: reticulate's conversion" = timer(function() converted(name)))
    )
    compare(paste0("large/", name), name, c(side, side), timers)
  })
}

normal <- initializers$normal
compare("short", "normal", c(64, 64), list(
  "R: pyinit" = timer(function() normal(c(64, 64)), 200L),
  "R: rnorm" = timer(function() rnorm(64 * 64, 0, 0.05), 200L)
))

# The arguments of the calling function as keras3 collects them: those that were given, numbers in
# `integers` as integers.
given_arguments <- function(integers) {
  fun <- sys.function(-1L)
  call <- match.call(fun, sys.call(-1L), expand.dots = TRUE, envir = parent.frame(2L))
  given <- intersect(names(call), names(formals(fun)))
  arguments <- mget(given, envir = parent.frame())
  for (name in intersect(given, integers)) {
    if (is.numeric(arguments[[name]])) arguments[[name]] <- as.integer(arguments[[name]])
  }
  arguments
}

if (!nzchar(Sys.getenv("KERAS_BACKEND"))) {
  Sys.setenv(KERAS_BACKEND = "numpy")
}
keras <- tryCatch(reticulate::import("keras"), error = identity)
if (inherits(keras, "error")) {
  skip("R: keras3's calls", "Keras cannot be imported")
} else {
  keras3 <- list(
    initializer_he_normal = function(seed = NULL) {
      arguments <- given_arguments("seed")
      do.call(keras$initializers$HeNormal, arguments)
    },
    layer_dense = function(units, kernel_initializer = "glorot_uniform") {
      arguments <- given_arguments("units")
      do.call(keras$layers$Dense, arguments)
    }
  )
  factories <- list(
    "R: pyinit" = pyinit::initializer_he_normal, "R: keras3" = keras3$initializer_he_normal
  )
  # short enough that other processes do not interrupt each of them
  compare_factories <- function(comparison, shape, call_of, loops) {
    timers <- lapply(factories, function(factory) timer(call_of(factory), loops))
    compare(comparison, "truncated_normal", shape, timers, topic = "keras3")
  }
  compare_factories("construct an initializer", numeric(), function(factory) {
    function() factory(seed = 1)
  }, 20L)
  compare_factories("construct one and build a layer", c(64, 64), function(factory) {
    function() {
      layer <- keras3$layer_dense(64, kernel_initializer = factory(seed = 1))
      layer$build(c(1L, 64L))
    }
  }, 5L)
  compare_factories("call", c(64, 64), function(factory) {
    initializer <- factory(seed = 1)
    function() initializer(c(64L, 64L))
  }, 20L)
}

writeLines(
  jsonlite::toJSON(
    list(measurements = measurements, skipped = skipped),
    digits = NA, auto_unbox = TRUE
  ),
  response_file
)
