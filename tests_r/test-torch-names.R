# The names of torch.nn.init.

test_that("gains are those of torch", {
  # protects: calculate_gain() and the errors of its arguments
  expect_identical(calculate_gain("linear"), 1)
  expect_identical(calculate_gain("conv_transpose3d"), 1)
  expect_identical(calculate_gain("sigmoid"), 1)
  expect_identical(calculate_gain("tanh"), 5 / 3)
  expect_identical(calculate_gain("relu"), sqrt(2))
  expect_identical(calculate_gain("leaky_relu"), sqrt(2 / (1 + 0.01^2)))
  expect_identical(calculate_gain("leaky_relu", 0.2), sqrt(2 / (1 + 0.2 * 0.2)))
  expect_identical(calculate_gain("selu"), 3 / 4)
  expect_argument_error(calculate_gain("gelu"), "nonlinearity")
  expect_argument_error(calculate_gain(NA), "nonlinearity")
  expect_argument_error(calculate_gain("relu", 0.2), "param")
  expect_argument_error(calculate_gain("leaky_relu", "a"), "param")
})

test_that("names of torch make variance scaling", {
  # protects: torch's distributions and scales, in R's configuration
  config <- function(x) get_config(x)[c("scale", "mode", "distribution")]
  expected <- function(scale, mode, distribution) {
    list(scale = scale, mode = mode, distribution = distribution)
  }
  expect_identical(
    config(initializer_xavier_uniform(gain = 3, seed = 1)), expected(9, "fan_avg", "uniform")
  )
  expect_identical(
    config(initializer_xavier_normal(seed = 1)), expected(1, "fan_avg", "untruncated_normal")
  )
  expect_identical(
    config(initializer_kaiming_uniform(a = 1, seed = 1)), expected(1, "fan_in", "uniform")
  )
  expect_identical(
    config(initializer_kaiming_normal(mode = "fan_out", nonlinearity = "relu", seed = 1)),
    expected(2, "fan_out", "untruncated_normal")
  )
  for (name in c("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal")) {
    by_name <- get_initializer(name)
    expect_identical(config(by_name), config(make(paste0("initializer_", name))), label = name)
    expect_identical(by_name$clone()$scale, by_name$scale, label = name)
  }
  keras <- initializer_glorot_uniform(seed = 1)(c(3, 4))
  expect_identical(initializer_xavier_uniform(seed = 1)(c(3, 4)), keras)
})

test_that("an unseeded initializer with a name of torch follows set.seed()", {
  # protects: the seed that R draws
  draw <- function() withr::with_seed(1, initializer_kaiming_normal()(c(3, 4)))
  expect_identical(draw(), draw())
})

test_that("wrong arguments are named", {
  # protects: users from arguments that are ignored
  expect_argument_error(initializer_xavier_uniform(gain = 0), "gain")
  expect_argument_error(initializer_xavier_normal(gain = 1e200), "gain")
  expect_argument_error(initializer_kaiming_normal(a = "0"), "a")
  expect_argument_error(initializer_kaiming_normal(a = 0.1, nonlinearity = "relu"), "a")
  expect_argument_error(initializer_kaiming_uniform(mode = "fan_avg"), "mode")
  expect_argument_error(initializer_kaiming_uniform(nonlinearity = "gelu"), "nonlinearity")
  expect_argument_error(initializer_kaiming_uniform(seed = "x"), "seed")
})

test_that("the geometric mean of the fans is a mode", {
  # protects: JAX's mode, in R
  initializer <- initializer_variance_scaling(mode = "fan_geo_avg", distribution = "uniform",
    seed = 1
  )
  expect_identical(initializer$mode, "fan_geo_avg")
  unit <- initializer_variance_scaling(distribution = "uniform", seed = 1)
  expect_equal(initializer(c(4, 9), "float64") * sqrt(6), unit(c(4, 9), "float64") * sqrt(4))
  expect_argument_error(initializer_variance_scaling(mode = "fan_geo"), "mode")
})
