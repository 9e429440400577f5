# Seeds: numbers, NULL, generators.

test_that("an invalid seed is an error in every initializer", {
  # protects: no seed is rounded, recycled or confused with another
  bad <- list(
    "a", "1.5", "01", "1e5", " 1", "", "18446744073709551616", "-9223372036854775809",
    1.5, NA, NA_integer_, NA_real_, NaN, Inf, TRUE, c(1, 2), integer(), 2^53 + 2, list(1),
    factor(1), as.Date("2026-01-01"), 1i
  )
  for (name in seeded) {
    for (seed in bad) {
      expect_argument_error(make(name, seed = seed), "seed")
    }
  }
  for (seed in bad) {
    expect_argument_error(random_seed_generator(seed), "seed")
    expect_argument_error(set_random_seed(seed), "seed")
  }
})

test_that("seeds of all magnitudes arrive in Python exactly", {
  # protects: reticulate's 32-bit integers do not interfere
  for (seed in list(0, -1, 1L, 2^31 - 1, 2^31, 2^32 + 1, 2^53, -2^53)) {
    initializer <- initializer_he_normal(seed = seed)
    python <- reticulate::py_str(reticulate::r_to_py(initializer)$seed)
    expect_identical(python, sprintf("%.0f", seed))
    expect_equal(initializer$seed, seed)
    expect_identical(get_config(initializer)$seed == seed, TRUE)
    expect_equal(random_seed_generator(seed)$`next`(), c(seed, 0))
  }
})

test_that("an unseeded initializer takes a seed from R's generator", {
  # protects: set.seed() makes unseeded initializers reproducible, and each has its own seed
  for (name in seeded) {
    withr::with_seed(1, {
      first <- make(name)
      second <- make(name)
    })
    again <- withr::with_seed(1, make(name))
    expect_identical(again$seed, first$seed, label = name)
    expect_identical(again(shape_for(name)), first(shape_for(name)), label = name)
    expect_false(second$seed == first$seed, label = name)
    expect_null(get_config(first)$seed)
    # the Python object has the same seed and configuration
    object <- reticulate::r_to_py(first)
    expect_equal(reticulate::py_to_r(object$seed), first$seed)
    expect_null(reticulate::py_to_r(object$get_config())$seed)
  }
})

test_that("a new session without a random state gives a seed too", {
  # protects: `.Random.seed` need not exist
  code <- c(
    "stopifnot(!exists('.Random.seed', globalenv()))",
    "cat(pyinit::initializer_he_normal()$seed > 0)"
  )
  expect_identical(run_r(code), "TRUE")
})

test_that("initializers that need no fresh seed leave R's generator unchanged", {
  # protects: adding initializer_zeros() to a script does not change other draws
  withr::local_seed(1)
  before <- .Random.seed
  initializer_zeros()
  initializer_he_normal(seed = 1)
  expect_argument_error(initializer_random_normal(stddev = -1), "stddev")
  expect_identical(.Random.seed, before)
})

test_that("a number gives the same values at every call, a generator new ones", {
  # protects: Keras' rule for seeds
  initializer <- initializer_random_normal(seed = 1)
  expect_identical(initializer(4), initializer(4))
  generator <- random_seed_generator(1)
  first <- initializer_random_normal(seed = generator)
  second <- initializer_random_normal(seed = generator)
  draws <- list(first(4), second(4), first(4))
  expect_identical(draws[[1]], initializer(4))
  expect_length(unique(draws), 3)
  expect_identical(generator$`next`(), c(1, 3))
})

test_that("a generator prints its arguments", {
  # protects: print, elements and the configuration of a generator
  generator <- random_seed_generator(7, name = "weights")
  text <- "random_seed_generator(seed = 7, name = \"weights\")"
  expect_identical(format(generator), text)
  expect_output(print(generator), paste("<pyinit seed generator>", text), fixed = TRUE)
  expect_identical(summary(generator), generator)
  expect_identical(generator$seed, 7)
  expect_identical(generator$name, "weights")
  expect_mapequal(generator$get_config(), list(seed = 7, name = "weights"))
  expect_error(generator$foo, "no element `foo`", class = "pyinit_error")
  expect_type(random_seed_generator()$name, "character")
  expect_error(random_seed_generator(1, "a", other = 2), "other", class = "pyinit_type_error")
  expect_argument_error(random_seed_generator(name = 5), "name")
})

test_that("a generator without a seed takes one from R", {
  # protects: set.seed() for generators
  first <- withr::with_seed(3, random_seed_generator())
  second <- withr::with_seed(3, random_seed_generator())
  expect_identical(first$`next`(), second$`next`())
  expect_null(get_config(first)$seed)
})

test_that("Keras' seed generator is accepted as a seed", {
  # protects: `seed = keras$random$SeedGenerator(5L)`, with Keras' state moving on
  generator <- import_keras()$random$SeedGenerator(5L)
  initializer <- initializer_random_normal(seed = generator)
  first <- initializer(3)
  expect_identical(first, initializer_random_normal(seed = 5)(3))
  expect_false(identical(initializer(3), first))
  expect_argument_error(initializer_he_normal(seed = reticulate::import("sys")), "seed")
})

test_that("set_random_seed() seeds R, Python and NumPy", {
  # protects: reproducible unseeded initializers in both languages, over the whole range of seeds
  withr::local_preserve_seed()
  for (seed in c(0, 1, 2^31 - 1, 2^31, 2^32 - 1)) {
    draw <- function() {
      set_random_seed(seed)
      python <- reticulate::import("random")$random()
      list(runif(1), python, initializer_he_normal()$seed)
    }
    expect_identical(draw(), draw())
  }
  set_random_seed(1)
  drawn <- runif(1)
  set.seed(1)
  expect_identical(runif(1), drawn)
  expect_argument_error(set_random_seed(-1), "seed")
  expect_argument_error(set_random_seed(2^32), "seed")
})

test_that("elements cannot be set", {
  # protects: a seed that would be shown but not used
  generator <- random_seed_generator(1)
  expect_error(generator$seed <- 5, "`seed` cannot be set", class = "pyinit_error")
  expect_error(generator[["seed"]] <- 5, "`seed` cannot be set", class = "pyinit_error")
  initializer <- initializer_he_normal(seed = 1)
  expect_error(initializer$seed <- 5, "`seed` cannot be set", class = "pyinit_error")
  expect_identical(generator$seed, 1)
})

test_that("a missing dtype or device is shown as NA", {
  # protects: reticulate converts NA to TRUE
  initializer <- initializer_zeros()
  expect_match(conditionMessage(expect_argument_error(initializer(2, NA), "dtype")), "dtype = NA")
  expect_argument_error(initializer(2, device = NA), "device")
  expect_argument_error(set_floatx(NA), "dtype")
})
