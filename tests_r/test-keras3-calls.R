# What keras3's functions do with the objects of this package: they pass their arguments to Keras
# with do.call(), after as.integer() of numbers.

skip_on_cran()
keras <- import_keras()

# A function of keras3: numbers of `integers` become integers, everything else is passed as it is.
keras3_function <- function(python, integers = "seed") {
  function(...) {
    args <- list(...)
    for (name in intersect(names(args), integers)) {
      if (is.numeric(args[[name]])) args[[name]] <- as.integer(args[[name]])
    }
    do.call(python, args)
  }
}

random_normal <- keras3_function(keras$random$normal)
layer_dropout <- keras3_function(keras$layers$Dropout)
layer_dense <- keras3_function(keras$layers$Dense, "units")
keras3_he_normal <- keras3_function(keras$initializers$HeNormal)

values <- function(tensor) {
  weight_values(tensor)
}

test_that("random functions of Keras draw from a generator of R", {
  # protects: keras3::random_normal(shape, seed = random_seed_generator(1)) with pyinit attached
  generator <- random_seed_generator(1)
  of_keras <- keras$random$SeedGenerator(1L)
  shape <- reticulate::tuple(2L, 3L)
  for (draw in 1:2) {
    expect_identical(
      values(random_normal(shape = shape, seed = generator)),
      values(random_normal(shape = shape, seed = of_keras))
    )
  }
  expect_identical(generator$`next`(), c(1, 2))
})

test_that("layers take a generator as their seed", {
  # protects: layer_dropout(rate = .5, seed = random_seed_generator(1)) with pyinit attached
  generator <- random_seed_generator(1)
  layer <- layer_dropout(rate = 0.5, seed = generator)
  x <- keras$ops$ones(reticulate::tuple(4L, 8L))
  masks <- lapply(1:2, function(i) values(layer(x, training = TRUE)))
  expect_false(identical(masks[[1]], masks[[2]]))
  expect_true(all(masks[[1]] %in% c(0, 2)))
  expect_identical(generator$`next`(), c(1, 2))
})

test_that("Keras' initializers and ours share a generator", {
  # protects: keras3::initializer_he_normal(seed = random_seed_generator(5)); large seeds
  generator <- random_seed_generator(derive_seed(5, "a"))
  keras3_he_normal(seed = generator)(reticulate::tuple(2L, 2L))
  drawn <- initializer_he_normal(seed = generator)(c(2, 2))
  skipping <- random_seed_generator(derive_seed(5, "a"))
  skipping$`next`()
  expect_identical(drawn, initializer_he_normal(seed = skipping)(c(2, 2)))
})

test_that("a layer with a generator is saved and loaded", {
  # protects: models of R users, which share the generator again
  generator <- random_seed_generator(3)
  model <- keras$Sequential(list(
    keras$Input(list(4L)),
    layer_dropout(rate = 0.5, seed = generator),
    layer_dense(units = 2, kernel_initializer = initializer_he_normal(seed = generator))
  ))
  path <- withr::local_tempfile(fileext = ".keras")
  model$save(path)
  reticulate::import("pyinit.keras")
  loaded <- keras$saving$load_model(path)
  expect_identical(
    reticulate::py_id(loaded$layers[[1]]$seed_generator),
    reticulate::py_id(loaded$layers[[2]]$kernel_initializer$seed)
  )
})

test_that("floatx follows Keras until it is set", {
  # protects: keras3::config_set_floatx(), which layers follow, too
  expect_identical(run_r(c(
    "library(pyinit)",
    "cat(floatx(), '')",
    "keras <- reticulate::import('keras')",
    "keras$config$set_floatx('float16')",
    "cat(floatx(), '')",
    "rounded <- initializer_random_normal(seed = 1)(3)",
    "cat(identical(rounded, initializer_random_normal(seed = 1)(3, 'float16')), '')",
    "set_floatx('float64')",
    "keras$config$set_floatx('bfloat16')",
    "cat(floatx())"
  )), "float32 float16 TRUE float64")
})

test_that("an unknown dimension of a shape is named", {
  # protects: shapes with the open size of a batch, as NA or NULL
  initializer <- initializer_zeros()
  cases <- list(
    list(c(2, NA), "dimension 2 is NA"), list(NA, "dimension 1 is NA"),
    list(c(NA, 3L), "dimension 1 is NA"), list(list(4, NULL, 2), "dimension 2 is NULL"),
    list(structure(list(NULL, 2L), class = "keras_shape"), "dimension 1 is NULL")
  )
  for (case in cases) {
    for (call in list(initializer, compute_fans, \(shape) lazy_tensor(initializer, shape))) {
      error <- expect_argument_error(call(case[[1]]), "shape")
      expect_match(conditionMessage(error), case[[2]], fixed = TRUE)
    }
  }
})

test_that("Keras and get_initializer() take a factory that is not called", {
  # protects: users who forget the parentheses after initializer_he_normal
  namespace <- asNamespace("pyinit")
  is_factory <- function(name) inherits(get(name, namespace), "pyinit_factory")
  expect_setequal(Filter(is_factory, ls(namespace)), factories)
  for (name in factories) {
    factory <- getExportedValue("pyinit", name)
    expect_s3_class(factory, c("pyinit_factory", "function"), exact = TRUE)
    after_seed <- function(expr) {
      set.seed(1)
      expr
    }
    shape <- shape_for(name)
    expected <- after_seed(factory()(shape))
    expect_identical(after_seed(get_initializer(factory)(shape)), expected, label = name)
  }
  set.seed(1)
  layer <- layer_dense(units = 3, kernel_initializer = initializer_he_normal)
  layer$build(c(4L, 4L))
  set.seed(1)
  expect_identical(values(layer$kernel), initializer_he_normal()(c(4, 3)))
  # keras3 passes a function on as it is unless its class is "function"
  expect_false(identical(class(initializer_he_normal), "function"))
})

test_that("factories are shown as functions", {
  # protects: users who look at a definition
  shown <- capture.output(print(initializer_zeros))
  expect_match(shown, "function", all = FALSE, fixed = TRUE)
  expect_no_match(shown, "pyinit_factory", fixed = TRUE)
})
