# Keras models that are initialized, trained, saved and loaded from R. Keras' numpy backend cannot
# train, so models are trained with JAX, in a new session.

skip_on_cran()
keras <- import_keras()

# A model whose layers have R initializers.
new_model <- function(extra = FALSE) {
  initializer <- initializer_he_normal(seed = 1)
  layers <- list(
    keras$Input(list(4L)),
    keras$layers$Dense(5L, kernel_initializer = initializer, name = "hidden"),
    if (extra) keras$layers$Dense(5L, name = "extra"),
    keras$layers$Dense(
      2L,
      kernel_initializer = initializer_orthogonal(), bias_initializer = initializer_ones(),
      name = "output"
    )
  )
  keras$Sequential(Filter(Negate(is.null), layers))
}

all_values <- function(model) {
  values <- lapply(model$weights, weight_values)
  # without the model's own name
  names(values) <- sub("^[^/]*/", "", vapply(model$weights, function(weight) weight$path, ""))
  values
}

test_that("initialize_model() draws the same weights as Python, each from its path", {
  # protects: one seed for a whole model, from either language
  model <- new_model()
  expect_identical(initialize_model(model, seed = 42), model)
  values <- all_values(model)
  expect_identical(
    values$`hidden/kernel`,
    initializer_he_normal(seed = derive_seed(42, "hidden/kernel"))(c(4, 5))
  )
  expect_identical(
    values$`output/kernel`,
    initializer_orthogonal(seed = derive_seed(42, "output/kernel"))(c(5, 2))
  )
  expect_identical(values$`output/bias`, array(c(1, 1)))
  again <- new_model()
  reticulate::import("pyinit.keras")$initialize(again, seed = 42L)
  expect_identical(all_values(again), values)
})

test_that("weights do not depend on other layers", {
  # protects: weights from layers that are added or removed
  values <- all_values(initialize_model(new_model(), 42))
  more <- all_values(initialize_model(new_model(extra = TRUE), 42))
  expect_length(more, length(values) + 2)
  expect_identical(more[names(values)], values)
})

test_that("a model's seed can be a derived seed", {
  # protects: several models of one experiment with one seed
  seed <- derive_seed(1, "second run")
  values <- all_values(initialize_model(new_model(), seed))
  expected <- initializer_he_normal(seed = derive_seed(seed, "hidden/kernel"))(c(4, 5))
  expect_identical(values$`hidden/kernel`, expected)
})

test_that("a model that cannot be initialized is an error", {
  # protects: the error messages, without a traceback
  expect_argument_error(initialize_model(1, 42), "model", "pyinit_type_error")
  expect_argument_error(initialize_model(NULL, 42), "model", "pyinit_type_error")
  not_a_model <- reticulate::import("sys")
  expect_argument_error(initialize_model(not_a_model, 42), "model", "pyinit_type_error")
  unbuilt <- keras$layers$Dense(3L)
  error <- expect_error(initialize_model(unbuilt, 42), class = "pyinit_value_error")
  expect_match(conditionMessage(error), "must be built", fixed = TRUE)
  for (seed in list(NULL, 1.5, "a", random_seed_generator(1))) {
    expect_argument_error(initialize_model(new_model(), seed), "seed")
  }
})

test_that("a model with R initializers starts like the same model in Python", {
  # protects: the same initial weights in both languages, here in a separate Python process
  file <- withr::local_tempfile(fileext = ".npz")
  python <- reticulate::py_config()$python
  code <- "
import sys, keras, numpy, pyinit
dense = keras.layers.Dense
model = keras.Sequential([
    keras.Input((4,)),
    dense(5, kernel_initializer=pyinit.HeNormal(seed=1), name='hidden'),
    dense(2, kernel_initializer=pyinit.Orthogonal(seed=2), name='output'),
])
numpy.savez(sys.argv[1], *[keras.ops.convert_to_numpy(weight) for weight in model.weights])
"
  expect_identical(system2(python, shQuote(c("-c", code, file))), 0L)
  model <- keras$Sequential(list(
    keras$Input(list(4L)),
    keras$layers$Dense(5L, kernel_initializer = initializer_he_normal(seed = 1), name = "hidden"),
    keras$layers$Dense(2L, kernel_initializer = initializer_orthogonal(seed = 2), name = "output")
  ))
  saved <- reticulate::import("numpy", convert = FALSE)$load(file)
  for (i in seq_along(model$weights)) {
    expected <- as_r_array(saved[[paste0("arr_", i - 1L)]]$astype("float64"))
    expect_identical(weight_values(model$weights[[i]]), expected)
  }
})

test_that("a model is trained, saved and loaded from R", {
  # protects: the whole life of a model with R initializers
  skip_if_not(reticulate::py_module_available("jax"))
  folder <- withr::local_tempdir()
  helper <- normalizePath("helper.R")
  train <- c(
    "library(pyinit)",
    sprintf("source('%s')", helper),
    "keras <- reticulate::import('keras')",
    "numpy <- reticulate::import('numpy', convert = FALSE)",
    "x <- as_numpy(initializer_random_uniform(-1, 1, seed = 3)(c(64, 4)))$astype('float32')",
    "y <- x$sum(axis = 1L, keepdims = TRUE)",
    "model <- keras$Sequential(list(",
    "  keras$Input(list(4L)),",
    "  keras$layers$Dense(8L, 'tanh', kernel_initializer = initializer_he_normal(seed = 1)),",
    "  keras$layers$Dense(1L, kernel_initializer = initializer_orthogonal(seed = 2))",
    "))",
    "stopifnot(identical(weight_values(model$weights[[1]]),",
    "  initializer_he_normal(seed = 1)(c(4, 8))))",
    "model$compile(optimizer = keras$optimizers$SGD(0.1), loss = 'mse')",
    "losses <- unlist(model$fit(x, y, epochs = 5L, shuffle = FALSE, verbose = 0L)$history$loss)",
    "stopifnot(losses[5] < losses[1])",
    sprintf("model$save('%s/model.keras')", folder),
    sprintf("saveRDS(lapply(model$weights, weight_values), '%s/weights.rds')", folder),
    "cat('losses', format(losses, digits = 17))"
  )
  load <- c(
    "library(pyinit)",
    sprintf("source('%s')", helper),
    "keras <- reticulate::import('keras')",
    "invisible(reticulate::import('pyinit.keras'))",
    sprintf("model <- keras$saving$load_model('%s/model.keras')", folder),
    sprintf("weights <- readRDS('%s/weights.rds')", folder),
    "stopifnot(identical(lapply(model$weights, weight_values), weights))",
    "cat(reticulate::py_str(model$layers[[1]]$kernel_initializer))"
  )
  jax <- c("KERAS_BACKEND=jax", "JAX_PLATFORMS=cpu")
  first <- tail(run_r(train, env = jax), 1)
  expect_match(first, "^losses ")
  expect_identical(tail(run_r(train, env = jax), 1), first)
  expect_identical(tail(run_r(load, env = jax), 1), "HeNormal(seed=1)")
})
