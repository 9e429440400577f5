# map_partitions() in one process; test-parallel.R has the tests with several.

initializer <- initializer_he_normal(seed = 1)
values <- initializer(c(10, 3, 2))

test_that("the partitions are those of the tensor", {
  # protects: the values, for any number of rows
  x <- lazy_tensor(initializer, c(10, 3, 2))
  for (rows in list(1, 3L, 10, 1e9, NULL)) {
    parts <- map_partitions(x, fun = identity, rows = rows)
    expect_length(parts, ceiling(10 / min(10, rows)))
    starts <- cumsum(c(1, vapply(parts, nrow, 1L)))
    for (k in seq_along(parts)) {
      expect_identical(parts[[k]], values[seq(starts[k], starts[k + 1] - 1), , , drop = FALSE])
    }
    expect_identical(map_partitions(initializer, c(10, 3, 2), fun = identity, rows = rows), parts)
  }
  halves <- map_partitions(initializer, c(10, 3, 2), "float16", fun = identity, rows = 5)
  expect_identical(halves[[2]], initializer(c(10, 3, 2), "float16")[6:10, , ])
  vector <- map_partitions(initializer, 5, fun = identity, rows = 2)
  expect_identical(lapply(vector, dim), list(2L, 2L, 1L))
  expect_identical(unlist(vector), as.vector(initializer(5)))
  expect_identical(map_partitions(initializer, c(0, 3), fun = identity), list())
  expect_identical(map_partitions(initializer_ones(), c(3, 0), fun = dim), list(c(3L, 0L)))
})

test_that("the first row is passed to a function that has the argument", {
  # protects: functions such as sum() and quantile(), whose other arguments mean something else
  x <- lazy_tensor(initializer_ones(), c(5, 2))
  rows <- map_partitions(x, fun = function(part, first_row) c(first_row, nrow(part)), rows = 2)
  expect_identical(rows, list(c(1, 2), c(3, 2), c(5, 1)))
  expect_identical(map_partitions(x, fun = sum, rows = 3), list(6, 4))
  expect_identical(map_partitions(x, fun = mean, rows = 3), list(1, 1))
  expect_identical(map_partitions(x, fun = function(...) length(list(...)), rows = 3), list(1L, 1L))
  expect_identical(map_partitions(x, fun = function(part) NULL, rows = 3), list(NULL, NULL))
})

test_that("both languages divide a tensor in the same way", {
  # protects: lists of results that are compared
  python <- reticulate::import("pyinit")
  weights <- python$Zeros()$lazy(list(5L, 3000000L), "bool")
  in_python <- python$map_partitions(weights, fun = reticulate::py_eval("len"))
  in_r <- map_partitions(initializer_zeros(), c(5, 3000000), "bool", fun = nrow)
  expect_identical(unlist(in_r), c(2L, 2L, 1L))
  expect_identical(as.integer(unlist(in_python)), unlist(in_r))
})

test_that("an orthogonal matrix is computed once", {
  # protects: tensors whose elements depend on each other
  x <- lazy_tensor(initializer_orthogonal(seed = 1), c(20, 6))
  parts <- map_partitions(x, fun = identity, rows = 3)
  expect_identical(do.call(rbind, parts), as.array(x))
  expect_identical(computed_matrices(x), 1L)
})

test_that("a seed generator gives one draw", {
  # protects: the sequence of draws, also after a call that fails
  generator <- random_seed_generator(3)
  drawn <- initializer_random_normal(seed = generator)
  expect_argument_error(map_partitions(drawn, c(4, 2), fun = nrow, rows = 0), "rows")
  expect_argument_error(map_partitions(drawn, c(4, 2), "int32", fun = nrow), "dtype")
  parts <- map_partitions(drawn, c(4, 2), fun = identity, rows = 3)
  expect_identical(do.call(rbind, parts), initializer_random_normal(seed = 3)(c(4, 2)))
  expect_identical(generator$`next`(), c(3, 1))
})

test_that("invalid arguments are errors", {
  # protects: users who pass a shape of a tensor that has one, or none for an initializer
  x <- lazy_tensor(initializer, c(10, 3, 2))
  expect_argument_error(map_partitions(x, c(10, 3, 2), fun = nrow), "shape")
  expect_argument_error(map_partitions(x, dtype = "float32", fun = nrow), "dtype")
  expect_argument_error(map_partitions(initializer, fun = nrow), "shape")
  expect_argument_error(map_partitions(initializer, integer(), fun = nrow), "shape")
  expect_argument_error(map_partitions(initializer, c(2, -1), fun = nrow), "shape")
  scalar <- lazy_tensor(initializer, integer())
  expect_argument_error(map_partitions(scalar, fun = nrow), "initializer")
  expect_argument_error(map_partitions(values, fun = nrow), "initializer", "pyinit_type_error")
  expect_argument_error(map_partitions(x, fun = "nrow"), "fun", "pyinit_type_error")
  expect_error(map_partitions(x, nrow), "`fun` .* given by name", class = "pyinit_type_error")
  expect_argument_error(map_partitions(x, fun = function(part, first) 1), "fun")
  for (rows in list(0, -1, 1.5, NA, NaN, Inf, "2", c(1, 2), TRUE)) {
    expect_argument_error(map_partitions(x, fun = nrow, rows = rows), "rows")
  }
  expect_argument_error(map_partitions(x, fun = nrow, progress = 1), "progress")
  expect_error(map_partitions(x, fun = nrow, Rows = 2), "Unused argument: Rows")
})

test_that("progress is reported after each partition, and an error names the rows", {
  # protects: users who wait; users whose function fails in the middle
  x <- lazy_tensor(initializer, c(10, 3, 2))
  reports <- list()
  map_partitions(x, fun = nrow, rows = 4, progress = function(done, total) {
    reports[[length(reports) + 1]] <<- c(done, total)
  })
  expect_identical(reports, list(c(96, 240), c(192, 240), c(240, 240)))
  bad <- function(part, first_row) {
    if (first_row > 4) stop(errorCondition("too large", class = "my_error")) else first_row
  }
  error <- expect_error(map_partitions(x, fun = bad, rows = 4), class = "my_error")
  expect_s3_class(error, "pyinit_error")
  expect_identical(conditionMessage(error), "In partition 2, rows 5 to 8: too large")
  expect_identical(conditionCall(error)[[1]], quote(map_partitions))
  expect_warning(map_partitions(x, fun = function(part) warning("careful"), rows = 10), "careful")
})
