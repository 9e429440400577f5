# Initializers in Keras layers.

skip_on_cran()
keras <- import_keras()

kernel <- function(layer) {
  weight_values(layer$kernel)
}

test_that("a layer accepts every initializer and gets the same weights as R", {
  # protects: an initializer as the argument of a layer, kernel_initializer = initializer
  kernels <- paste0("initializer_", c("stft", "delta_orthogonal", "dirac"))
  for (name in setdiff(factories, kernels)) {
    seed <- if (name %in% seeded) list(seed = 3) else list()
    initializer <- do.call(make, c(name, seed))
    layer <- keras$layers$Dense(units = 3L, kernel_initializer = initializer)
    layer$build(c(4L, 4L))
    expect_identical(kernel(layer), initializer(c(4, 3)), label = name)
  }
})

test_that("a convolution accepts the initializers of its kernel", {
  # protects: initializers whose tensors have spatial axes
  for (name in c("initializer_delta_orthogonal", "initializer_dirac")) {
    seed <- if (name %in% seeded) list(seed = 3) else list()
    initializer <- do.call(make, c(name, seed))
    layer <- keras$layers$Conv1D(4L, 3L, kernel_initializer = initializer)
    layer$build(c(1L, 5L, 2L))
    expect_identical(kernel(layer), initializer(c(3, 2, 4)), label = name)
  }
})

test_that("do.call(), lists and dictionaries pass an initializer to Python", {
  # protects: the calls of keras3
  initializer <- initializer_he_normal(seed = 1)
  layer <- do.call(
    keras$layers$Dense,
    list(units = 3L, kernel_initializer = initializer, bias_initializer = initializer_ones())
  )
  layer$build(c(4L, 4L))
  expect_identical(kernel(layer), initializer(c(4, 3)))
  objects <- reticulate::r_to_py(list(initializer, initializer))
  expect_identical(
    reticulate::py_id(objects[[0]]), reticulate::py_id(reticulate::r_to_py(initializer))
  )
})

test_that("layers that share a seed generator have different weights", {
  # protects: one generator for a whole model
  generator <- random_seed_generator(1)
  kernels <- lapply(1:2, function(i) {
    layer <- keras$layers$Dense(3L, kernel_initializer = initializer_he_normal(seed = generator))
    layer$build(c(4L, 4L))
    kernel(layer)
  })
  expect_false(identical(kernels[[1]], kernels[[2]]))
  expect_identical(generator$`next`(), c(1, 2))
})

test_that("an initializer has the elements that keras3's get_config() uses", {
  # protects: `keras3::get_config(initializer)`, which reads these two elements
  initializer <- initializer_he_normal(seed = 1)
  config <- initializer$get_config()
  again <- initializer$`__class__`$from_config(list(seed = 1L))
  expect_identical(config$seed, 1L)
  expect_match(reticulate::py_str(again), "HeNormal(seed=1)", fixed = TRUE)
})
