# Derived seeds in R's data structures and in JSON.

names <- c("dense/kernel", "dense/bias", "gr\u00f6\u00dfe")
seeds <- derive_seed(42, names)
digits <- as.character(seeds)

test_that("several names give their seeds", {
  # protects: one seed for each weight in one call
  expect_length(seeds, 3)
  for (i in 1:3) {
    expect_identical(seeds[[i]], derive_seed(42, names[[i]]))
  }
  named <- derive_seed(42, c(kernel = "dense/kernel", bias = "dense/bias"))
  expect_named(named, c("kernel", "bias"))
  expect_identical(named[["bias"]], seeds[[2]])
  expect_argument_error(initializer_he_normal(seed = seeds), "seed")
  expect_argument_error(random_seed_generator(seeds), "seed")
})

test_that("seeds stay seeds in vectors, lists and data frames", {
  # protects: 64 bits that become doubles, and seeds that become strings
  kept <- list(
    c(seeds[1], seeds[2:3]), c(seeds[[1]], digits[2:3]), rep(seeds, 1), seeds[c(TRUE, TRUE, TRUE)],
    unique(c(seeds, seeds)), do.call(c, lapply(seeds, identity)),
    unname(do.call(c, Map(function(seed) seed, seeds))),
    data.frame(name = names, seed = seeds)$seed,
    rbind(data.frame(seed = seeds[1]), data.frame(seed = seeds[2:3]))$seed,
    merge(data.frame(i = 1:3, seed = seeds), data.frame(i = 1:3), by = "i")$seed,
    replace(rep(seeds[1], 3), 2:3, seeds[2:3]), rev(rev(seeds)), head(c(seeds, 1), 3),
    unserialize(serialize(seeds, NULL))
  )
  for (value in kept) {
    expect_identical(value, seeds)
  }
  mixed <- c(seeds[1], 7, 2^53, NA)
  expect_identical(as.character(mixed), c(digits[1], "7", "9007199254740992", NA))
  expect_error(c(seeds, 1.5), class = "pyinit_value_error")
  expect_error(c(seeds, "a"), class = "pyinit_value_error")
  expect_output(print(data.frame(seed = seeds)), digits[[3]], fixed = TRUE)
  expect_output(print(seeds), digits[[3]], fixed = TRUE)
  expect_output(str(seeds), digits[[1]], fixed = TRUE)
  table <- data.frame(name = names, seed = seeds)
  expect_identical(table[table$name == "dense/bias", "seed"], seeds[[2]])
  expect_identical(initializer_he_normal(seed = table$seed[[2]])$seed, seeds[[2]])
})

test_that("seeds are compared by value", {
  # protects: "9" and "10" compared as strings, 5 and "5"
  expect_identical(seeds == seeds[[2]], c(FALSE, TRUE, FALSE))
  expect_identical(c(seeds[1], 5) == 5, c(FALSE, TRUE))
  expect_identical(seeds[[1]] != seeds[[1]], FALSE)
  mixed <- c(seeds[0], 10, 9, -3, 2^53, -20)
  expect_identical(as.character(sort(mixed)), c("-20", "-3", "9", "10", "9007199254740992"))
  expect_error(seeds < 1, "not defined for seeds", class = "pyinit_type_error")
  expect_error(max(seeds), "`max` is not defined for seeds", class = "pyinit_type_error")
  expect_error(range(seeds), "`range` is not defined", class = "pyinit_type_error")
  expect_error(seeds + 1, "not defined for seeds", class = "pyinit_type_error")
  expect_identical(match(seeds[[3]], seeds), 3L)
  expect_identical(nlevels(factor(seeds)), 3L)
})

test_that("a seed that no double holds is not rounded", {
  # protects: seeds beyond 2^53 in as.numeric()
  expect_identical(as.numeric(c(seeds[0], 2^53)), 2^53)
  expect_error(as.numeric(seeds[[1]]), "not exact", class = "pyinit_value_error")
})

test_that("Python gets an integer, or a list of them", {
  # protects: reticulate's conversion
  expect_identical(reticulate::py_str(reticulate::r_to_py(seeds[[1]])), digits[[1]])
  expect_identical(
    reticulate::py_str(reticulate::r_to_py(seeds)), sprintf("[%s]", toString(digits))
  )
})

through_json <- function(x, ...) {
  jsonlite::fromJSON(jsonlite::toJSON(x, digits = NA, ...))
}

test_that("seeds go through JSON and back", {
  # protects: seeds in JSON files, by jsonlite
  skip_if_not_installed("jsonlite")
  expect_identical(through_json(seeds), digits)
  expect_identical(initializer_he_normal(seed = through_json(seeds[[1]]))$seed, seeds[[1]])
  expect_identical(through_json(data.frame(name = names, seed = seeds))$seed, digits)
  expect_identical(jsonlite::unserializeJSON(jsonlite::serializeJSON(seeds)), seeds)
})

test_that("configurations go through JSON and back", {
  # protects: experiments that are described in JSON files, by jsonlite
  skip_if_not_installed("jsonlite")
  generator <- random_seed_generator(seeds[[2]], name = "shared")
  initializers <- c(
    lapply(setdiff(factories, seeded), make), lapply(seeded, make),
    unlist(lapply(list(1, 2^40, 2^53, -2^53, seeds[[1]], generator), function(seed) {
      lapply(seeded, make, seed = seed)
    }))
  )
  for (initializer in initializers) {
    description <- serialize_initializer(initializer)
    config <- get_config(initializer)
    class <- attr(config, "__class__")
    for (back in list(
      through_json(description), through_json(description, auto_unbox = TRUE),
      through_json(description, null = "null"),
      list(class_name = class, config = through_json(config)),
      list(class_name = class, config = through_json(config, auto_unbox = TRUE))
    )) {
      # JSON has one type of numbers, so 1 is an integer in R
      expect_equal(get_config(deserialize_initializer(back)), config, tolerance = 0)
    }
    exact <- jsonlite::unserializeJSON(jsonlite::serializeJSON(config, digits = NA))
    expect_identical(get_config(from_config(exact)), config)
  }
  config <- structure(through_json(get_config(generator)), `__class__` = "SeedGenerator")
  expect_identical(from_config(config)$seed, seeds[[2]])
})
