# Stacks of independent weights, such as layers and experts.

stacked <- c(
  "initializer_glorot_normal", "initializer_glorot_uniform", "initializer_he_normal",
  "initializer_he_uniform", "initializer_kaiming_normal", "initializer_kaiming_uniform",
  "initializer_lecun_normal", "initializer_lecun_uniform", "initializer_orthogonal",
  "initializer_variance_scaling", "initializer_xavier_normal", "initializer_xavier_uniform"
)

test_that("members have the scale of single weights, as in Python", {
  # protects: fans and matrices of one member, and the numbering of axes from 0
  python <- reticulate::import("pyinit", convert = FALSE)
  expect_identical(Filter(function(f) "batch_axes" %in% names(formals(f)), factories), stacked)
  for (name in stacked) {
    first <- make(name, seed = 3, batch_axes = 0)(c(4, 6, 5))
    expect_identical(first[1, , ], make(name, seed = 3)(c(6, 5)), label = name)
    last <- make(name, seed = 3, batch_axes = c(-1, 0))(c(2, 6, 5, 3))
    weights <- python[[name]](seed = 3L, batch_axes = list(-1L, 0L))$lazy(c(2L, 6L, 5L, 3L))
    expect_identical(last, as_r_array(weights$read(dtype = "float64")), label = name)
  }
  expect_identical(compute_fans(c(8, 64, 16), batch_axes = 0), compute_fans(c(64, 16)))
  expect_identical(compute_fans(c(64, 8, 16, 2), 0, 2, c(-1, 1)), compute_fans(c(64, 16)))
})

test_that("each member of an orthogonal stack is orthogonal", {
  # protects: experts and layers from one matrix over all of them
  values <- initializer_orthogonal(gain = 2, seed = 1, batch_axes = 2)(c(6, 4, 3), "float64")
  for (member in 1:3) {
    expect_equal(crossprod(values[, , member]), 4 * diag(4), tolerance = 1e-12)
  }
  weights <- lazy_tensor(initializer_orthogonal(gain = 2, seed = 1, batch_axes = 2), c(6, 4, 3),
    dtype = "float64"
  )
  expect_identical(weights[2:3, , 2], values[2:3, , 2])
})

test_that("batch axes are an argument like others", {
  # protects: configurations, elements, printing, copies, and Keras' view of the configuration
  plain <- initializer_he_normal(seed = 1)
  expect_null(plain$batch_axes)
  expect_false("batch_axes" %in% names(get_config(plain)))
  initializer <- initializer_orthogonal(seed = 1, batch_axes = c(0, -1))
  expect_equal(initializer$batch_axes, c(0, -1))
  expect_output(print(initializer), "batch_axes = c(0, -1), seed = 1)", fixed = TRUE)
  single <- initializer_he_normal(seed = 1, batch_axes = 1)
  for (x in list(initializer, single)) {
    values <- x(c(2, 3, 4, 2))
    expect_identical(x$clone()(c(2, 3, 4, 2)), values)
    expect_identical(from_config(get_config(x))(c(2, 3, 4, 2)), values)
    again <- deserialize_initializer(serialize_initializer(x))
    expect_identical(again(c(2, 3, 4, 2)), values)
  }
})

test_that("batch axes that cannot be are named", {
  # protects: users from axes that are ignored, rounded or miscounted
  for (wrong in list("a", 0.5, TRUE, c(0, 0), NA, list("a"))) {
    expect_argument_error(initializer_he_normal(batch_axes = wrong), "batch_axes")
    expect_argument_error(compute_fans(c(2, 3), batch_axes = wrong), "batch_axes")
  }
  expect_argument_error(initializer_he_normal(seed = 1, batch_axes = 2)(c(2, 3)), "batch_axes")
  expect_argument_error(initializer_orthogonal(seed = 1, batch_axes = 0)(c(2, 3)), "shape")
  error <- expect_argument_error(compute_fans(c(2, 3), 0, 1, batch_axes = -1), "batch_axes")
  expect_match(conditionMessage(error), "axes that are not in output_axes = 1", fixed = TRUE)
})

test_that("a Keras layer takes stacks", {
  # protects: experts in keras3
  keras <- import_keras()
  layer <- keras$layers$EinsumDense(
    "bed,edh->beh", list(4L, 16L),
    kernel_initializer = initializer_he_normal(seed = 1, batch_axes = 0)
  )
  layer$build(list(NULL, 4L, 8L))
  expected <- initializer_he_normal(seed = 1, batch_axes = 0)(c(4, 8, 16))
  expect_identical(weight_values(layer$kernel), expected)
})
