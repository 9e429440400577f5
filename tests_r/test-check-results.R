# Results of verify() and self_test(): logicals of length 1.

skip_if_not(reticulate::py_module_available("jsonschema"), "needs jsonschema")

plan <- list(list(name = "kernel", shape = c(4, 3), initializer = "he_normal"))
manifest <- create_manifest(plan, seed = 1)
same <- verify(manifest)
different <- verify(manifest, list(kernel = matrix(0, 4, 3)))
results <- list(same, different, self_test())

test_that("a result is TRUE or FALSE wherever R asks for a condition", {
  # protects: scripts that stop if weights differ
  expect_true(same)
  expect_false(different)
  expect_identical(vapply(results, isTRUE, NA), c(TRUE, FALSE, TRUE))
  expect_identical(vapply(results, isFALSE, NA), c(FALSE, TRUE, FALSE))
  expect_identical(if (same) 1 else 2, 1)
  expect_identical(if (different) 1 else 2, 2)
  expect_null(stopifnot(same))
  expect_error(stopifnot(different), "different is not TRUE")
  expect_identical(same && different, FALSE)
  expect_identical(all(same, different), FALSE)
  expect_identical(any(same, different), TRUE)
  expect_identical(lengths(results), c(1L, 1L, 1L))
  expect_identical(lapply(results, typeof), list("logical", "logical", "logical"))
})

test_that("a result prints its details", {
  # protects: print(), format(), str(), elements
  expect_output(print(same), "^The same: 1 tensor, 48 bytes[.]$")
  expect_output(print(different), "^DIFFERENT: 1 difference; .*\n  kernel: ")
  expect_output(str(different), " <pyinit_verification> FALSE: DIFFERENT: 1", fixed = TRUE)
  expect_identical(different$same, FALSE)
  expect_identical(different$checked, 1)
  expect_identical(attr(different, "differences"), different$differences)
  expect_error(same$foo, "no element `foo`", class = "pyinit_error")
  expect_error(same$same <- FALSE, "cannot be set", class = "pyinit_error")
  expect_identical(different[["checked"]], 1)
  expect_error(same[["foo"]], "no element `foo`", class = "pyinit_error")
  expect_error(same[["same"]] <- FALSE, "`same` cannot be set", class = "pyinit_error")
})

test_that("a result converts to a data frame of its differences", {
  # protects: reports in tables
  expect_identical(dim(as.data.frame(same)), c(0L, 2L))
  expect_identical(names(as.data.frame(results[[3]])), c("name", "difference"))
  table <- as.data.frame(different)
  expect_identical(table$name, "kernel")
  expect_match(table$reason, "12 of 12 values differ")
  # but a column of data.frame() has the result itself
  expect_identical(data.frame(k = 1, ok = different), data.frame(k = 1, ok = FALSE))
  expect_identical(cbind(data.frame(k = 1), ok = same), data.frame(k = 1, ok = TRUE))
})

test_that("what is computed from a result is a plain logical", {
  # protects: `!result`, which would print the details of the opposite
  plain <- list(
    !same, same & TRUE, xor(same, different), same == different, c(same, different)[1:2], same[1],
    as.logical(same), as.vector(same), ifelse(same, "yes", "no"), rep(same, 2),
    replace(same, 1, FALSE), rev(same)
  )
  for (value in plain) {
    expect_null(attributes(value))
  }
  expect_identical(!different, TRUE)
  expect_identical(ifelse(different, "yes", "no"), "no")
  expect_identical(sapply(results, isTRUE), c(TRUE, FALSE, TRUE))
})

test_that("a result can be saved", {
  # protects: reports in files
  expect_identical(unserialize(serialize(different, NULL)), different)
})
