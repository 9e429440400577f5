# Arrays beyond the limits of 32 bits, of doubles and of memory.

test_that("indices beyond 2^53 are exact", {
  # protects: R has no 64-bit integers, so offsets cross as doubles and become integers in Python
  shape <- c(2^30, 2^29)
  initializer <- initializer_random_normal(seed = 1)
  x <- lazy_tensor(initializer, shape)
  last <- x[2^30 - 2:0, 2^29 - 1:0]
  expect_identical(
    last,
    initializer(shape, partition_shape = c(3, 2), partition_offset = shape - c(3, 2))
  )
  expect_identical(last[2:3, ], x[2^30 - 1:0, 2^29 - 1:0])
  python <- reticulate::import("pyinit", convert = FALSE)
  weights <- python$RandomNormal(seed = 1L)$lazy(reticulate::py_eval("(2**30, 2**29)"))
  slices <- reticulate::py_eval("(slice(2**30 - 3, None), slice(2**29 - 2, None))", convert = FALSE)
  expect_identical(as_r_array(weights$`__getitem__`(slices)), last)
})

test_that("more than 2^31 elements are drawn", {
  skip_on_os(c("windows", "mac"))
  skip_unless_slow()
  available <- grep("^MemAvailable", readLines("/proc/meminfo"), value = TRUE)
  skip_if(as.numeric(gsub("[^0-9]", "", available)) < 11e6, "needs 11 GB of free memory")
  size <- 2^31 + 8
  x <- initializer_ones()(size, "int32")
  expect_identical(length(x), size)
  expect_identical(x[c(1, 2^31 - 1, size)], c(1L, 1L, 1L))
})

test_that("too little memory is a condition, and the session goes on", {
  # protects: a limit of memory never ends R
  skip_on_os(c("windows", "mac"))
  skip_on_cran()
  script <- withr::local_tempfile(fileext = ".R", lines = c(
    "library(pyinit)",
    "set_num_threads(2)",
    "normal <- initializer_he_normal(seed = 1)",
    "small <- normal(c(64, 64))",
    "for (work in list(",
    "  function() normal(c(2^16, 2^16)),",
    "  function() initializer_orthogonal(seed = 1)(c(2^15, 2^15)),",
    "  function() initializer_stft()(c(2^16, 1, 2^15 + 1)),",
    "  function() initializer_ones()(c(2^16, 2^16), 'int32'),",
    "  function() lazy_tensor(normal, c(2^20, 2^20))[1:2^13, ]",
    ")) {",
    "  error <- tryCatch(work(), error = identity)",
    "  stopifnot(inherits(error, 'pyinit_error'))",
    "  stopifnot(grepl('allocate|memory', conditionMessage(error)))",
    "  stopifnot(identical(normal(c(64, 64)), small))",
    "}",
    "cat('went on')"
  ))
  # 6 GB of addresses: Python, R and their libraries reserve more than they use
  command <- sprintf(
    "ulimit -v 6000000 && %s %s %s 2>&1",
    library_variable(), file.path(R.home("bin"), "Rscript"), shQuote(script)
  )
  output <- system2("sh", c("-c", shQuote(command)), stdout = TRUE)
  expect_identical(tail(output, 1L), "went on")
  expect_null(attr(output, "status"))
})
