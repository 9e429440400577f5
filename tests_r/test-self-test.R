# The self-test, in Python and in R.

test_that("the installed copy passes the self-test", {
  # protects: the golden vectors, as they arrive in R
  found <- self_test()
  expect_s3_class(found, "pyinit_self_test")
  expect_true(found)
  expect_true(found$passed)
  python <- reticulate::import("pyinit", convert = FALSE)
  expect_equal(found$checked, reticulate::py_to_r(python$self_test()$checked))
  expect_gt(found$checked_in_r, 300)
  expect_identical(dim(found$differences), c(0L, 2L))
  expect_output(print(found), "^Self-test passed: all [0-9]+ golden vectors of stream version 1")
  expect_match(format(found), sprintf("%d of them in R too.", found$checked_in_r), fixed = TRUE)
})

test_that("a difference of one bit, or of a zero's sign, is found in R", {
  # protects: the comparison itself
  hexadecimal <- c("0x1.8000000000000p+0", "-0x0.0p+0", "0x0.0p+0", "nan")
  values <- matrix(c(1.5, 0, -0, NaN), 2)
  values[1, 2] <- -0
  values[2, 1] <- 0
  expect_null(pyinit:::difference_in_r(values, hexadecimal))
  expect_match(
    pyinit:::difference_in_r(values + 0, hexadecimal), "1 of 4 values; the one at flat index 1 "
  )
  values[1, 1] <- 1.5 + 2^-52
  expect_match(
    pyinit:::difference_in_r(values, hexadecimal),
    "the one at flat index 0 is 0x1.8000000000001p+0, not 0x1.8000000000000p+0",
    fixed = TRUE
  )
  expect_match(pyinit:::difference_in_r(1.5, hexadecimal), "1 values instead of 4")
})

test_that("differences are printed", {
  # protects: the report of a failed self-test
  details <- attributes(self_test())
  details$class <- NULL
  details$differences <- data.frame(name = "HeNormal, [3]", difference = "1 of 3 values")
  found <- pyinit:::new_self_test(details)
  expect_false(found)
  expect_identical(as.data.frame(found), details$differences)
  expect_output(print(found), "^Self-test FAILED: 1 of [0-9]+ golden vectors .* differ:\n")
  expect_output(print(found), "\n  HeNormal, [3]: 1 of 3 values", fixed = TRUE)
})

test_that("a modified or missing file of golden vectors is an error", {
  # protects: a modified or truncated installation
  folder <- withr::local_tempdir()
  bridge <- pyinit:::bridge()
  expect_said <- function(said) {
    error <- expect_error(
      pyinit:::call_python(bridge$golden_vectors(folder, "cpu")),
      class = "pyinit_value_error"
    )
    expect_match(conditionMessage(error), said, fixed = TRUE)
  }
  expect_said("are missing")
  writeLines("{}", file.path(folder, "golden_vectors_1.json"))
  expect_said("not those of version 1")
})

test_that("an unavailable device is an error", {
  # protects: the error messages
  expect_argument_error(self_test("tpu"), "device")
  expect_argument_error(self_test(NA), "device")
})
