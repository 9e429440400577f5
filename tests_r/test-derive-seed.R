# Seeds derived from a seed and a name, exact to 64 bits in R.

# The known answers with seeds that R's numbers represent, up to 2^53.
known <- function() {
  cases <- reticulate::import("json")$loads(
    paste(
      readLines(checkout_path("tests", "data", "derived_seeds.json"), encoding = "UTF-8"),
      collapse = "\n"
    )
  )
  Filter(function(case) abs(as.numeric(case[[1]])) <= 2^53, cases)
}

digits_in_python <- function(seed) {
  reticulate::py_str(reticulate::r_to_py(seed))
}

test_that("derived seeds are the documented ones", {
  # protects: the same seeds in both languages, to the last bit
  cases <- known()
  expect_gt(length(cases), 4)
  for (case in cases) {
    seed <- derive_seed(as.numeric(case[[1]]), case[[2]])
    expect_s3_class(seed, "pyinit_seed")
    expect_identical(as.character(seed), case[[3]])
    expect_identical(format(seed), case[[3]])
    expect_identical(digits_in_python(seed), case[[3]])
  }
  expect_output(print(derive_seed(42, "dense/kernel")), "<pyinit seed> 15025066568574079189")
})

test_that("the seed of a name does not depend on its encoding in R", {
  # protects: names typed in an R session that is not in UTF-8
  name <- "gr\u00f6\u00dfe"
  latin1 <- iconv(name, "UTF-8", "latin1")
  expect_identical(derive_seed(7, latin1), derive_seed(7, name))
})

test_that("a derived seed is the seed of initializers and generators, to the last bit", {
  # protects: 64-bit seeds, beyond the precision of doubles, to Python and back
  seed <- derive_seed(42, "dense/kernel")
  python <- reticulate::import("pyinit", convert = FALSE)
  whole <- reticulate::import_builtins(convert = FALSE)$int(as.character(seed))
  for (name in seeded) {
    initializer <- make(name, seed = seed)
    expected <- python[[name]](seed = whole)
    shape <- as.integer(shape_for(name))
    values <- as_r_array(expected$`__call__`(as.list(shape), dtype = "float32")$astype("float64"))
    expect_identical(initializer(shape), values, label = name)
    expect_identical(initializer$seed, seed)
    expect_identical(get_config(initializer)$seed, seed)
    expect_match(format(initializer), paste0("seed = ", seed, ")"), fixed = TRUE)
    for (again in list(
      from_config(get_config(initializer)),
      deserialize_initializer(serialize_initializer(initializer)),
      initializer$clone(),
      unserialize(serialize(initializer, NULL)),
      get_initializer(reticulate::r_to_py(initializer))
    )) {
      expect_identical(again$seed, seed, label = name)
      expect_identical(again(shape), values, label = name)
    }
  }
})

test_that("a derived seed is the seed of a generator", {
  # protects: one generator for each part of a model
  seed <- derive_seed(1, "encoder")
  generator <- random_seed_generator(seed, name = "encoder")
  expect_identical(generator$seed, seed)
  expect_identical(generator$`next`(), list(seed, 0))
  expect_identical(get_config(generator)$seed, seed)
  expect_identical(from_config(get_config(generator))$seed, seed)
  expect_match(format(generator), as.character(seed), fixed = TRUE)
  shared <- initializer_he_normal(seed = generator)
  expect_identical(get_config(shared)$seed$config$seed, seed)
  again <- from_config(get_config(shared))
  expect_identical(again(2), initializer_he_normal(seed = seed)(2))
})

test_that("a derived seed is a seed for derive_seed() and for Keras objects", {
  # protects: nested names; seeds in calls of other packages
  inner <- derive_seed(derive_seed(1, "model"), "layer")
  python <- reticulate::import("pyinit", convert = FALSE)
  expected <- python$derive_seed(python$derive_seed(1L, "model"), "layer")
  expect_identical(as.character(inner), reticulate::py_str(expected))
  expect_identical(
    reticulate::py_str(reticulate::r_to_py(list(seed = inner))), sprintf("{'seed': %s}", inner)
  )
})

test_that("an invalid seed or name is an error", {
  # protects: the error messages of the Python package
  for (seed in list(NULL, "a", 1.5, NA, TRUE, 2^53 + 2, c(1, 2), random_seed_generator(1))) {
    expect_argument_error(derive_seed(seed, "a"), "seed")
  }
  for (name in list(NULL, 1, NA_character_, c("a", NA), character(), list("a"))) {
    expect_argument_error(derive_seed(1, name), "name")
  }
  expect_argument_error(set_random_seed(derive_seed(1, "a")), "seed")
})
