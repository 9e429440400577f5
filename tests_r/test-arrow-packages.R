# Arrays of the R packages arrow and nanoarrow, and our arrays in these packages.

data_address <- pyinit:::data_address
address_of <- function(view) reticulate::py_to_r(view$ctypes$data$`__str__`())

# The arrays of both packages, where they are installed.
makers <- list()
if (requireNamespace("nanoarrow", quietly = TRUE)) {
  makers$nanoarrow <- nanoarrow::as_nanoarrow_array
}
if (requireNamespace("arrow", quietly = TRUE)) {
  makers$arrow <- arrow::as_arrow_array
  makers$chunked <- arrow::chunked_array
}
skip_without_makers <- function() {
  skip_if(length(makers) == 0L, "needs arrow or nanoarrow")
}

test_that("their arrays are taken, without a copy where the types allow it", {
  skip_without_makers()
  for (name in names(makers)) {
    for (values in list(c(1.5, -2, 3), 1:3, c(TRUE, FALSE, TRUE), double(), integer())) {
      theirs <- makers[[name]](values)
      expect_identical(as_r_array(theirs), array(values), label = name)
      view <- as_numpy(theirs)
      expect_identical(as_r_array(view), array(values), label = name)
      if (!is.logical(values) && length(values) > 0L) {
        expect_identical(address_of(view), data_address(as_r_array(theirs)), label = name)
      }
    }
    theirs <- makers[[name]](c(1, 2, 3))
    ours <- as_r_array(theirs)
    ours[1] <- 9
    expect_identical(ours, array(c(9, 2, 3)))
    expect_identical(as_r_array(theirs), array(c(1, 2, 3)), label = name)
    rm(theirs)
    gc()
    expect_identical(ours, array(c(9, 2, 3)))
  }
})

test_that("our arrays are taken, without a copy where the types allow it", {
  skip_without_makers()
  drawn <- initializer_he_normal(seed = 1)(5)
  whole <- initializer_ones()(5, "int32")
  vector <- pyinit:::draw_array(pyinit:::draw_function(
    reticulate::import("pyinit", convert = FALSE)$RandomNormal(seed = 1L)
  ), 5)
  for (name in names(makers)) {
    for (ours in list(drawn, whole, vector)) {
      before <- data_address(ours)
      theirs <- makers[[name]](ours)
      expect_identical(address_of(as_numpy(theirs)), before, label = name)
      expect_identical(as_r_array(theirs), ours, label = name)
      expect_identical(data_address(ours), before, label = name)
    }
    expect_identical(
      as_r_array(makers[[name]](initializer_ones()(3, "bool"))), array(c(TRUE, TRUE, TRUE)),
      label = name
    )
  }
})

test_that("an array that R shares with Python is copied at most once", {
  skip_without_makers()
  shared <- reticulate::import("numpy", convert = FALSE)$arange(5)
  for (name in names(makers)) {
    theirs <- makers[[name]](as_r_array(shared))
    expect_identical(as_r_array(theirs), array(c(0, 1, 2, 3, 4)), label = name)
  }
})

test_that("chunks are joined", {
  skip_if_not_installed("arrow")
  chunked <- arrow::chunked_array(c(1, 2), 3)
  expect_identical(as_r_array(chunked), array(c(1, 2, 3)))
  expect_identical(as_r_array(as_numpy(chunked)), array(c(1, 2, 3)))
  expect_identical(as_r_array(arrow::chunked_array(type = arrow::float64())), array(double()))
  for (type in list(arrow::float32(), arrow::int8(), arrow::int64(), arrow::uint16())) {
    array <- arrow::as_arrow_array(c(1L, 2L), type = type)
    expect_equal(as_r_array(array), array(c(1, 2)))
    dtype <- sub("float", "float32", sub("double", "float64", type$ToString()))
    expect_identical(reticulate::py_str(as_numpy(array)$dtype), dtype)
  }
})

test_that("arrays that neither R nor NumPy can hold are errors", {
  skip_without_makers()
  for (name in names(makers)) {
    for (convert in list(as_r_array, as_numpy)) {
      expect_error(
        convert(makers[[name]](c(1L, NA))), "without nulls.*null_count = 1",
        class = "pyinit_type_error", label = name
      )
      expect_error(
        convert(makers[[name]]("a")), "Argument `x` must be a real or logical array",
        class = "pyinit_type_error", label = name
      )
    }
  }
})

test_that("a released array is an error", {
  skip_if_not_installed("nanoarrow")
  array <- nanoarrow::as_nanoarrow_array(1)
  nanoarrow::nanoarrow_pointer_release(array)
  expect_error(as_r_array(array), "Argument `x` must be", class = "pyinit_value_error")
  expect_error(as_numpy(array), "Argument `x` must be", class = "pyinit_value_error")
})

test_that("a session ends without errors with their arrays on both sides", {
  skip_without_makers()
  for (name in names(makers)) {
    code <- c(
      nanoarrow = "theirs <- nanoarrow::as_nanoarrow_array(c(1, 2))",
      arrow = "theirs <- arrow::as_arrow_array(c(1, 2))",
      chunked = "theirs <- arrow::chunked_array(c(1, 2))"
    )[[name]]
    output <- run_r(c(
      code, "ours <- pyinit::as_r_array(theirs)", "view <- pyinit::as_numpy(theirs)",
      "more <- pyinit::as_numpy(ours)", "rm(theirs)", "invisible(gc())", "cat(sum(ours))"
    ))
    expect_identical(as.character(output), "3")
    expect_null(attr(output, "status"))
  }
})
