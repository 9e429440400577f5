# Configurations, initializers by name, the default dtype, fans.

test_that("a configuration constructs the same initializer, in R and in Python", {
  # protects: get_config() and from_config() preserve everything, including NULL
  for (name in factories) {
    seed <- if (name %in% seeded) list(seed = 2^40) else list()
    initializer <- do.call(make, c(name, seed))
    config <- get_config(initializer)
    again <- from_config(config)
    expect_identical(get_config(again), config, label = name)
    expect_identical(again(shape_for(name)), initializer(shape_for(name)), label = name)
    python <- reticulate::import_builtins()$list(reticulate::r_to_py(initializer)$get_config())
    expect_identical(names(config), as.character(python), label = name)
  }
})

test_that("a configuration survives saveRDS()", {
  # protects: the class is a name, not a pointer
  config <- get_config(initializer_he_normal(seed = 1))
  file <- withr::local_tempfile()
  saveRDS(config, file)
  expect_identical(readRDS(file), config)
  expect_identical(get_config(from_config(readRDS(file))), config)
})

test_that("a generator's configuration starts again at the first draw", {
  # protects: from_config() as in Keras
  generator <- random_seed_generator(7)
  initializer <- initializer_random_normal(seed = generator)
  first <- initializer(3)
  again <- from_config(get_config(initializer))
  expect_identical(again(3), first)
  expect_identical(from_config(get_config(generator))$`next`(), c(7, 0))
  expect_s3_class(again$seed, "pyinit_seed_generator")
  config <- get_config(generator)
  config$draw <- 3
  expect_error(from_config(config), "Unused argument: draw", class = "pyinit_type_error")
})

test_that("one or more axes are preserved", {
  # protects: a vector of one number stays a sequence in Python
  config <- list(seed = 3, input_axes = 0, output_axes = c(1, 2))
  initializer <- deserialize_initializer(list(class_name = "HeNormal", config = config))
  expect_equal(get_config(initializer)[names(config)], config)
  again <- from_config(get_config(initializer))
  expect_identical(get_config(again), get_config(initializer))
  expect_match(format(again), "input_axes = 0, output_axes = c(1, 2), seed = 3", fixed = TRUE)
})

test_that("descriptions go to Python and back", {
  # protects: serialize_initializer() is pyinit.serialize()
  initializer <- initializer_variance_scaling(scale = 2, seed = 2^40)
  description <- serialize_initializer(initializer)
  python <- reticulate::import("pyinit", convert = FALSE)
  expected <- python$serialize(initializer)
  expect_identical(
    reticulate::py_to_r(expected)[c("module", "class_name", "registered_name")],
    description[c("module", "class_name", "registered_name")]
  )
  expect_identical(get_config(deserialize_initializer(description)), get_config(initializer))
  zeros <- serialize_initializer(initializer_zeros())
  expect_identical(format(deserialize_initializer(zeros)), format(initializer_zeros()))
  # descriptions by Keras
  keras <- import_keras()
  described <- keras$initializers$serialize(keras$initializers$HeNormal(seed = 3L))
  expect_match(format(deserialize_initializer(described)), "HeNormal(seed = 3)", fixed = TRUE)
})

test_that("a user's own class is found, and stays a Python object", {
  # protects: custom_objects
  classes <- reticulate::py_run_string(paste(
    "import numpy, pyinit",
    "class Halves(pyinit.Initializer):",
    "    def __call__(self, shape, dtype=None, **kwargs):",
    "        return numpy.full(shape, 0.5, dtype)",
    sep = "\n"
  ), local = TRUE, convert = FALSE)
  description <- list(class_name = "Halves", config = list())
  custom <- deserialize_initializer(description, list(Halves = classes$Halves))
  expect_false(inherits(custom, "pyinit_initializer"))
  expect_true(inherits(custom, "python.builtin.object"))
  expect_argument_error(deserialize_initializer(description), "config")
})

test_that("initializers are found by every alias of Keras", {
  # protects: get_initializer("he_normal") and its aliases
  names <- c(
    he_normal = "HeNormal", HeNormal = "HeNormal", normal = "RandomNormal", one = "Ones",
    IdentityInitializer = "Identity", uniform = "RandomUniform", zeros = "Zeros"
  )
  for (name in names(names)) {
    expect_identical(sub("\\(.*", "", format(get_initializer(name))),
      paste("<pyinit initializer>", names[[name]])
    )
  }
  expect_null(get_initializer(NULL))
  initializer <- initializer_zeros()
  expect_identical(get_initializer(initializer), initializer)
  expect_identical(get_initializer(sum), sum)
  expect_match(
    format(get_initializer(list(class_name = "HeNormal", config = list(seed = 1)))), "seed = 1"
  )
  withr::local_seed(1)
  seed <- get_initializer("he_normal")$seed
  set.seed(1)
  expect_identical(get_initializer("he_normal")$seed, seed)
})

test_that("an invalid identifier or configuration is an error that names the argument", {
  # protects: clean errors
  expect_argument_error(get_initializer("nope"), "identifier")
  expect_argument_error(get_initializer(3), "identifier")
  expect_argument_error(get_initializer(c("zeros", "ones")), "identifier")
  expect_argument_error(serialize_initializer(sum), "initializer")
  expect_argument_error(deserialize_initializer("HeNormal"), "config")
  unknown <- list(class_name = "Foo", config = list())
  expect_argument_error(deserialize_initializer(unknown), "config")
  expect_argument_error(
    deserialize_initializer(list(class_name = "HeNormal", config = list(seed = NA))), "seed"
  )
  expect_argument_error(from_config(list(seed = 1)), "config")
  expect_argument_error(from_config(structure(list(foo = 1), `__class__` = "HeNormal")), "config")
  expect_argument_error(get_config(3), "object")
})

test_that("get_config() and from_config() accept Keras objects", {
  # protects: keras3 scripts where pyinit masks the two functions
  layer <- import_keras()$layers$Dense(units = 3L)
  config <- get_config(layer)
  expect_identical(config$units, 3L)
  expect_identical(get_config(from_config(config))$name, config$name)
})

test_that("floatx is one setting in both languages", {
  # protects: the default dtype
  python <- reticulate::import("pyinit")
  withr::defer(set_floatx("float32"))
  expect_identical(floatx(), "float32")
  initializer <- initializer_random_normal(seed = 1)
  float32 <- initializer(3)
  set_floatx("float64")
  expect_identical(python$floatx(), "float64")
  expect_identical(initializer(3), initializer(3, "float64"))
  expect_false(identical(initializer(3), float32))
  expect_argument_error(set_floatx("float8"), "dtype")
})

test_that("fans are counted as in Python", {
  # protects: compute_fans() for every kind of shape, with and without axes
  fans <- function(fan_in, fan_out) c(fan_in = fan_in, fan_out = fan_out)
  expect_identical(compute_fans(integer()), fans(1, 1))
  expect_identical(compute_fans(7), fans(7, 7))
  expect_identical(compute_fans(c(3, 3, 16, 32)), fans(144, 288))
  expect_identical(compute_fans(c(64, 4, 16), 0, c(1, 2)), fans(64, 64))
  expect_identical(compute_fans(c(2^31, 5)), fans(2^31, 5))
  expect_argument_error(compute_fans(c(2, -1)), "shape")
  expect_argument_error(compute_fans(c(2, 1.5)), "shape")
  expect_argument_error(compute_fans(c(2, NA)), "shape")
  expect_argument_error(compute_fans(c(2, 2), 5, 1), "input_axes")
})
