# Threads, devices and the configuration in use.

test_that("the values do not depend on the number of threads", {
  # protects: the values do not depend on the threads
  withr::defer(set_num_threads(NULL))
  initializer <- initializer_random_normal(seed = 1)
  set_num_threads(1)
  one <- initializer(c(700, 900))
  set_num_threads(3L)
  expect_equal(num_threads(), 3)
  expect_identical(initializer(c(700, 900)), one)
  for (bad in list(0, 1.5, "2", NA, TRUE, 2000)) {
    expect_argument_error(set_num_threads(bad), "n")
  }
})

test_that("show_config() shows the same as in Python, and R's versions", {
  # protects: one configuration for both languages
  shown <- capture.output(show_config())
  python <- reticulate::py_capture_output(reticulate::import("pyinit")$show_config())
  expect_identical(head(shown, -2), strsplit(trimws(python), "\n")[[1]])
  expect_match(shown, as.character(getRversion()), fixed = TRUE, all = FALSE)
  expect_match(shown, as.character(packageVersion("reticulate")), fixed = TRUE, all = FALSE)
})

test_that("forked processes draw with threads of their own", {
  # protects: R forks without notifying Python, whose threads the child does not have
  skip_on_os("windows")
  output <- run_r(
    c(
      "library(pyinit)",
      "set_num_threads(2)",
      "initializer <- initializer_random_normal(seed = 1)",
      "expected <- sum(initializer(c(700, 900)))",
      "child <- function(i) sum(initializer(c(700, 900))) == expected",
      "cat(unlist(parallel::mclapply(1:2, child, mc.cores = 2)))"
    ),
    env = paste0("RETICULATE_PYTHON=", reticulate::py_config()$python)
  )
  expect_identical(as.vector(output), "TRUE TRUE")
})

test_that("an unavailable device is an error, wherever it is named", {
  # protects: no silent draw on the CPU in place of a GPU
  expect_identical(default_device(), "cpu")
  set_default_device("cpu")
  set_default_device(NULL)
  initializer <- initializer_zeros()
  expect_identical(initializer(2, device = "cpu"), array(c(0, 0)))
  expect_argument_error(initializer(2, device = "gpu"), "device")
  expect_argument_error(set_default_device("cuda:x"), "device")
  withr::with_options(
    list(pyinit.device = "tpu"),
    expect_argument_error(initializer(2), "device")
  )
})
