# Lazy tensors: indexing by R's rules, reading by runs, saving.

# A random index of an axis, of any kind.
random_index <- function(length) {
  kinds <- list(
    function() sample.int(length, sample.int(length, 1)),
    function() sample.int(length, 2 * length, replace = TRUE),
    function() -sample.int(length, sample.int(length, 1)),
    function() sample(c(TRUE, FALSE), length, replace = TRUE),
    function() c(TRUE, FALSE)[seq_len(min(length, 2))],
    function() TRUE,
    function() seq(length, 1),
    function() seq(1, length, by = 2),
    function() rep(c(1, length, 0), 2),
    function() sample.int(length, 1) + 0.5,
    function() integer(),
    function() 0,
    function() NULL,
    function() -c(1, 1, length + 5),
    function() c(1, 2, 4, 6, 7, 8)[c(1, 2, 4, 6, 7, 8) <= length]
  )
  sample(kinds, 1)[[1]]()
}

# Compares to the last bit, unlike expect_identical(), and quickly.
expect_same_elements <- function(x, values, ...) {
  same <- identical(x[...], values[...], num.eq = FALSE) &&
    identical(x[..., drop = FALSE], values[..., drop = FALSE], num.eq = FALSE)
  indices <- vapply(as.list(substitute(list(...)))[-1L], deparse, "")
  expect_true(same, label = paste(format(x), "at", toString(indices), "is as in the array"))
}

test_that("an index selects the same elements as from the array, for every dtype", {
  # protects: x[i, j] is as.array(x)[i, j], and the bits in it
  withr::local_seed(1)
  dtypes <- list(
    initializer_he_normal = c("float16", "bfloat16", "float32", "float64"),
    initializer_random_uniform = "float32",
    initializer_orthogonal = c("float32", "float64"),
    initializer_identity = c("int8", "int32", "uint32", "int64", "bool", "bfloat16"),
    initializer_constant = c("uint8", "bool", "float16")
  )
  for (name in names(dtypes)) {
    initializer <- if (name %in% seeded) make(name, seed = 3) else make(name)
    for (dtype in dtypes[[name]]) {
      x <- lazy_tensor(initializer, c(9, 7), dtype)
      values <- initializer(c(9, 7), dtype)
      expect_identical(as.array(x), values)
      for (k in 1:12) {
        i <- random_index(9)
        j <- random_index(7)
        expect_same_elements(x, values, i, j)
        expect_same_elements(x, values, i, )
        expect_same_elements(x, values, , j)
      }
    }
  }
})

test_that("tensors of every rank follow the rules of arrays", {
  # protects: vectors, scalars, empty axes and dropped dimensions
  withr::local_seed(2)
  initializer <- initializer_random_normal(seed = 1)
  for (shape in list(8, c(3, 1), c(4, 3, 5), c(2, 1, 3, 2), c(0, 3), 0)) {
    x <- lazy_tensor(initializer, shape)
    values <- initializer(shape)
    expect_identical(dim(x), dim(values))
    expect_identical(length(x), length(values))
    expect_identical(x[], values)
    expect_identical(x[drop = FALSE], values)
    expect_identical(as.vector(x), as.vector(values))
    for (k in 1:10) {
      indices <- lapply(pmax(shape, 1), random_index)
      if (all(shape > 0)) {
        expect_identical(do.call(`[`, c(list(x), indices)), do.call(`[`, c(list(values), indices)))
      }
    }
  }
  expect_identical(lazy_tensor(initializer, c(0, 3))[, 2:3], initializer(c(0, 3))[, 2:3])
  scalar <- lazy_tensor(initializer, integer())
  expect_null(dim(scalar))
  expect_identical(scalar[], initializer(integer()))
  expect_identical(scalar[1], initializer(integer()))
  expect_identical(as.matrix(lazy_tensor(initializer, c(2, 2))), initializer(c(2, 2)))
  x <- lazy_tensor(initializer, c(2, 3))
  expect_identical(apply(x, 1, sum), apply(initializer(c(2, 3)), 1, sum))
  expect_identical(x[[2, 3]], initializer(c(2, 3))[[2, 3]])
})

test_that("only selected elements are computed", {
  # protects: tensors that are larger than memory
  x <- lazy_tensor(initializer_he_normal(seed = 1), c(1e9, 4096))
  expect_identical(length(x), 1e9 * 4096)
  expect_identical(dim(x), c(1000000000L, 4096L))
  partition <- initializer_he_normal(seed = 1)(
    c(1e9, 4096), partition_shape = c(5, 2), partition_offset = c(1e9 - 5, 10)
  )
  expect_identical(x[(1e9 - 4):1e9, 11:12], partition)
  expect_identical(x[c(1e9, 1e9 - 2), 12:11], partition[c(5, 3), 2:1])
  long <- lazy_tensor(initializer_ones(), 2^40)
  expect_null(dim(long))
  expect_identical(long[c(2^40, 1)], c(1, 1))
})

test_that("runs of indices are read at once", {
  # protects: one Python slice for each run, not one for each element
  runs <- function(positions) {
    found <- lapply(pyinit:::runs_of(positions), unlist)
    mapply(function(...) paste(...), found[[1]], found[[2]], found[[3]])
  }
  expect_identical(runs(1:100), "0 1 100")
  expect_identical(runs(100:1), "99 -1 100")
  expect_identical(runs(seq(2, 20, by = 3)), "1 3 7")
  expect_identical(runs(c(1, 2, 3, 7, 11, 15)), c("0 1 3", "6 4 3"))
  expect_identical(runs(c(1, 2, 3, 7, 8, 9)), c("0 1 3", "6 1 3"))
  expect_identical(runs(c(5, 5, 5)), c("4 1 1", "4 1 1", "4 1 1"))
  expect_identical(runs(c(3, 3, 4, 5)), c("2 1 1", "2 1 3"))
  expect_identical(runs(7), "6 1 1")
  expect_length(pyinit:::runs_of(double())[[1]], 0)
})

test_that("an invalid index is an error that names it", {
  # protects: no NA for a missing element
  x <- lazy_tensor(initializer_zeros(), c(4, 3))
  error <- expect_error(x[5, ], class = "pyinit_index_error")
  expect_match(conditionMessage(error), "^Index 1 must be at most 4.* Received: 5$")
  expect_match(conditionMessage(expect_error(x[, c(1, 9)])), "^Index 2 must be at most 3.*: 9$")
  bad <- list(NA, c(1, NA), NA_real_, c(TRUE, NA, FALSE), c(-1, 1), "a", list(1), rep(TRUE, 5))
  for (i in bad) {
    expect_error(x[i, 1], "^Index 1 must be", class = "pyinit_index_error")
  }
  expect_error(x[1], "needs an index for each", class = "pyinit_index_error")
  expect_error(x[matrix(1, 1, 2)], "needs an index for each", class = "pyinit_index_error")
  expect_error(x[1, 1, 1], "needs an index for each", class = "pyinit_index_error")
  expect_error(x[[1:2, 1]], "one element", class = "pyinit_index_error")
  expect_error(x[1, 1] <- 5, "cannot be changed", class = "pyinit_error")
  expect_error(x[[1]] <- 5, "cannot be changed", class = "pyinit_error")
  expect_error(x$state <- 5, "cannot be changed", class = "pyinit_error")
  expect_error(dim(x) <- 12, "cannot be changed", class = "pyinit_error")
  expect_error(dimnames(x) <- list("a"), "cannot be changed", class = "pyinit_error")
  expect_error(length(x) <- 3, "cannot be changed", class = "pyinit_error")
  expect_error(levels(x) <- "a", "cannot be changed", class = "pyinit_error")
  expect_error(names(x) <- "a", "cannot be changed", class = "pyinit_error")
  expect_error(x$state, "no element `state`", class = "pyinit_error")
})

test_that("functions of arrays are errors that name as.array()", {
  # protects: users who take it for an array: mean() would return NA, c() the state
  weights <- lazy_tensor(initializer_he_normal(seed = 1), c(3, 2))
  for (f in list(
    function(x) x + 1, function(x) -x, function(x) x == x, exp, sum, range, mean, t, summary, is.na,
    c, unique, duplicated, anyDuplicated, as.list, as.data.frame, data.frame,
    function(x) cbind(1, x), function(x) rbind(x, x), function(x) rep(x, 2),
    function(x) lapply(x, identity)
  )) {
    error <- expect_error(f(weights), "as.array(x)", fixed = TRUE, class = "pyinit_type_error")
    # not that of a method, with the state
    expect_null(conditionCall(error))
  }
  expect_identical(as.numeric(weights), as.vector(weights))
})

test_that("generic code meets an array without names, in lists, too", {
  # protects: setNames(), conversions, and printing lists and data frames with lazy tensors
  weights <- lazy_tensor(initializer_constant(2), c(3, 2))
  expect_null(names(weights))
  unnamed <- weights
  names(unnamed) <- NULL
  dimnames(unnamed) <- NULL
  expect_identical(unnamed, weights)
  expect_identical(as.integer(weights), rep(2L, 6))
  expect_identical(as.logical(weights), rep(TRUE, 6))
  table <- data.frame(n = 1:2)
  table$weights <- list(weights, weights)
  expect_output(print(table), "weights")
  expect_output(print(list(weights)), format(weights), fixed = TRUE)
})

test_that("bad arguments are errors, and take no draw", {
  # protects: the error messages of the Python package
  initializer <- initializer_he_normal(seed = random_seed_generator(1))
  expect_argument_error(lazy_tensor(initializer, c(2, -1)), "shape")
  expect_argument_error(lazy_tensor(initializer, "a"), "shape")
  expect_argument_error(lazy_tensor(initializer, c(2^31, 2)), "shape")
  expect_argument_error(lazy_tensor(initializer, 2, "int32"), "dtype")
  expect_argument_error(lazy_tensor(initializer, 2, NA), "dtype")
  expect_argument_error(lazy_tensor(mean, 2), "initializer", "pyinit_type_error")
  expect_argument_error(lazy_tensor("he_normal", 2), "initializer", "pyinit_type_error")
  expect_argument_error(
    initializer(2, partition_shape = 1, partition_offset = 5), "partition_offset"
  )
  expect_argument_error(initializer(2, device = "tpu"), "device")
  expect_identical(initializer$seed$`next`(), c(1, 0))
})

test_that("a draw of a seed generator is taken when the tensor is made", {
  # protects: reading twice gives the same values, in any order
  initializer <- initializer_random_normal(seed = random_seed_generator(7))
  first <- lazy_tensor(initializer, c(3, 2))
  drawn <- initializer(c(3, 2))
  third <- lazy_tensor(initializer, c(3, 2))
  again <- initializer_random_normal(seed = random_seed_generator(7))
  expected <- lapply(1:3, function(draw) again(c(3, 2)))
  expect_identical(list(first[], drawn, third[]), expected)
  expect_identical(first[], expected[[1]])
  expect_match(format(third), "seed = 7, draw = 2)", fixed = TRUE)
  keras_seed <- import_keras()$random$SeedGenerator(5L)
  lazy <- lazy_tensor(initializer_he_normal(seed = keras_seed), 3)
  expect_identical(lazy[], initializer_he_normal(seed = 5)(3))
})

test_that("a lazy tensor can be saved and read in another session", {
  # protects: saveRDS(), with seeds of 64 bits, draws of generators and drawn seeds
  generator <- random_seed_generator(derive_seed(1, "a"))
  lazy <- list(
    lazy_tensor(initializer_he_normal(), c(3, 2)),
    lazy_tensor(initializer_variance_scaling(seed = -3), c(3, 2), "float64"),
    lazy_tensor(initializer_he_normal(seed = generator), c(3, 2)),
    lazy_tensor(initializer_he_normal(seed = generator), c(3, 2)),
    lazy_tensor(initializer_orthogonal(seed = 1), c(3, 2), "bfloat16"),
    lazy_tensor(initializer_stft(window = c(1, 2, 1)), c(3, 1, 3)),
    lazy_tensor(initializer_constant(200), 1, "uint8")
  )
  saved <- withr::local_tempfile(fileext = ".rds")
  result <- withr::local_tempfile(fileext = ".rds")
  saveRDS(lazy, saved)
  output <- run_r(c(
    sprintf("lazy <- readRDS('%s')", saved),
    "printed <- lapply(lazy, format)", # without Python
    "values <- lapply(lazy, as.array)",
    sprintf("saveRDS(list(printed, values), '%s')", result)
  ))
  expect_true(file.exists(result), info = paste(output, collapse = "\n"))
  expect_identical(readRDS(result), list(lapply(lazy, format), lapply(lazy, as.array)))
})

test_that("a lazy tensor shows itself in one line", {
  # protects: print(), format() and str()
  x <- lazy_tensor(initializer_he_normal(seed = 1), c(50000, 4096), "bfloat16")
  text <- "<pyinit lazy tensor> [50000, 4096] bfloat16, HeNormal(seed = 1)"
  expect_identical(format(x), text)
  expect_output(expect_identical(print(x), x), text, fixed = TRUE)
  expect_output(str(x), text, fixed = TRUE)
  scalar <- lazy_tensor(initializer_ones(), integer())
  expect_match(format(scalar), "[] float32, Ones()", fixed = TRUE)
})

test_that("Python sees the LazyTensor, and its fingerprint is that of the array", {
  # protects: r_to_py() and fingerprint()
  initializer <- initializer_he_normal(seed = 1)
  x <- lazy_tensor(initializer, c(4, 3), "float64")
  object <- reticulate::r_to_py(x)
  python <- reticulate::import("pyinit", convert = FALSE)$HeNormal(seed = 1L)
  expect_identical(
    reticulate::py_str(object), reticulate::py_str(python$lazy(list(4L, 3L), "float64"))
  )
  expect_identical(fingerprint(x), fingerprint(initializer, c(4, 3), "float64"))
  expect_identical(fingerprint(x, c(4, 3)), fingerprint(x))
  expect_argument_error(fingerprint(x, c(3, 4)), "shape")
})
