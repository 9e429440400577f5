# Expects code in a new session to print one line and to exit with status 0.
expect_session <- function(code, line, ...) {
  output <- run_r(code, ...)
  expect_identical(as.character(output), line)
  expect_null(attr(output, "status"))
}

draw_array <- function(object, ...) pyinit:::draw_array(pyinit:::draw_function(object), ...)
data_address <- pyinit:::data_address

python <- reticulate::import("pyinit", convert = FALSE)
numpy <- reticulate::import("numpy", convert = FALSE)
pyarrow <- reticulate::import("pyarrow", convert = FALSE)
normal <- python$RandomNormal(seed = 1L)

# An initializer that remembers the last buffer that was filled, without keeping it alive.
probe <- reticulate::py_run_string(convert = TRUE, "
import threading
import weakref

import pyinit


class Watched(pyinit.RandomNormal):
    def lazy(self, shape, dtype=None):
        return WatchedTensor(self, super().lazy(shape, dtype))

    def watch(self, array):
        self.address = address(array)
        self.reference = weakref.ref(array)

    def alive(self):
        return self.reference() is not None


class WatchedTensor:
    def __init__(self, watcher, weights):
        self.watcher, self.weights = watcher, weights
        self.shape, self.dtype = weights.shape, weights.dtype

    def read(self, *arguments, **options):
        values = self.weights.read(*arguments, **options)
        self.watcher.watch(values)
        return values


def address(array):
    return str(array.ctypes.data)


def forget_on_thread(held):
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
")

collect <- function() {
  # each collection frees one link: the Python object, the R object that it held, and so on
  for (i in 1:4) gc()
}

test_that("a draw has the values and the dimensions of the Python array", {
  x <- draw_array(normal, c(2, 3, 4))
  values <- normal$`__call__`(list(2L, 3L, 4L), "float32")
  expect_identical(dim(x), 2:4)
  for (k in 1:4) {
    at <- function(i, j) values$item(i - 1L, j - 1L, k - 1L)
    expected <- outer(1:2, 1:3, Vectorize(function(i, j) reticulate::py_to_r(at(i, j))))
    expect_identical(x[, , k], expected)
  }
  expect_type(x, "double")
})

test_that("a draw is a slice of the full tensor", {
  x <- draw_array(normal, c(5, 4))
  partition <- draw_array(
    normal, c(5, 4),
    partition_shape = c(2, 3), partition_offset = list(3L, 1)
  )
  expect_identical(partition, x[4:5, 2:4])
})

test_that("shapes are taken as R users type them", {
  expect_identical(dim(draw_array(normal, c(2L, 3L))), 2:3)
  expect_identical(dim(draw_array(normal, list(2, 3L))), 2:3)
  expect_identical(dim(draw_array(normal, c(rows = 2, columns = 3))), 2:3)
  expect_identical(dim(draw_array(normal, 5)), 5L)
  expect_identical(dim(draw_array(normal, c(3, 0))), c(3L, 0L))
  for (scalar in list(integer(), numeric(), list())) {
    x <- draw_array(normal, scalar)
    expect_length(x, 1L)
    expect_null(dim(x))
  }
})

test_that("an invalid shape is an error that names it", {
  bad <- list(
    NULL, NA, NA_real_, 2.5, c(2, 2.5), -1, Inf, NaN, "2", TRUE, list(2, 3:4),
    list(2, NULL), list(2, TRUE), list(2, list(3)), c(2, NA), quote(x), 2^60
  )
  for (shape in bad) {
    expect_error(
      draw_array(normal, shape), "Argument `shape` must be a vector or list of whole numbers",
      class = "pyinit_value_error"
    )
  }
  expect_error(
    draw_array(normal, factor(2)), "Argument `shape` must be given without a class",
    class = "pyinit_value_error"
  )
  expect_error(draw_array(normal, c(2, 2^31)), "2\\^31 - 1", class = "pyinit_value_error")
  expect_error(draw_array(normal, c(2^30, 2^30, 2^30)), "shape", class = "pyinit_value_error")
  expect_error(
    draw_array(normal, c(2, 2), partition_shape = c(1, 1.5), partition_offset = c(0, 0)),
    "Argument `partition_shape`.*c\\(1, 1.5\\)",
    class = "pyinit_value_error"
  )
  expect_error(
    draw_array(normal, c(2, 2), partition_shape = c(1, 1)), "partition_offset",
    class = "pyinit_value_error"
  )
  expect_error(draw_array(normal, 2, device = "abacus"), "device", class = "pyinit_value_error")
})

test_that("each dtype arrives in R's type for it", {
  ones <- python$Ones()
  expect_identical(draw_array(ones, c(1, 2), "bool"), matrix(TRUE, 1, 2))
  for (dtype in c("int8", "int16", "int32", "uint8", "uint16")) {
    expect_identical(draw_array(ones, c(1, 2), dtype), matrix(1L, 1, 2))
  }
  for (dtype in c("uint32", "int64", "uint64", "float16", "bfloat16", "float32", "float64")) {
    expect_identical(draw_array(ones, c(1, 2), dtype), matrix(1, 1, 2))
  }
  expect_identical(draw_array(python$Constant(2^53), 1, "int64"), array(2^53))
  expect_error(
    draw_array(python$Constant(2^54), 1, "int64"), "to 2^53 (found 18014398509481984)",
    fixed = TRUE, class = "pyinit_value_error"
  )
  expect_identical(draw_array(python$Constant(-2^31), 1, "int32"), array(-2^31))
  expect_error(draw_array(normal, 2, "int32"), "dtype", class = "pyinit_value_error")
})

test_that("a draw is the memory that Python filled, and R writes to it in place", {
  initializer <- probe$Watched(seed = 1L)
  x <- draw_array(initializer, c(64, 64))
  expect_identical(data_address(x), initializer$address)
  x[1, 1] <- 5
  x[[2]] <- 6
  expect_identical(x[1:2, 1], c(5, 6))
  expect_identical(data_address(x), initializer$address)

  y <- x
  y[1, 1] <- 7
  expect_identical(x[1, 1], 5)
  expect_identical(y[1, 1], 7)
  expect_identical(data_address(x), initializer$address)
})

test_that("R and NumPy share memory, and neither writes to the other's array", {
  x <- matrix(c(1, NaN, NA, -Inf, 0, -0), 2)
  view <- as_numpy(x)
  expect_identical(probe$address(view), data_address(x))
  expect_identical(reticulate::py_to_r(view$shape), list(2L, 3L))
  expect_true(reticulate::py_to_r(view$flags$f_contiguous))
  expect_false(reticulate::py_to_r(view$flags$writeable))
  before <- data_address(x)
  x[1, 1] <- 9
  expect_identical(reticulate::py_to_r(view$item(0L, 0L)), 1)
  expect_identical(probe$address(view), before)

  back <- as_r_array(view)
  expect_identical(data_address(back), before)
  expect_identical(sum(back[c(1, 5)]), 1)
  expect_identical(data_address(back), before)
  back[1, 2] <- 2
  expect_identical(reticulate::py_to_r(view$item(0L, 1L)), NA_real_)
  expect_false(identical(data_address(back), before))
  expect_identical(back, matrix(c(1, NaN, 2, -Inf, 0, -0), 2))
})

test_that("a shared array reflects Python's changes until R writes", {
  theirs <- numpy$zeros(3L)
  x <- as_r_array(theirs)
  theirs$fill(1)
  expect_identical(x, array(c(1, 1, 1)))
  x[1] <- 5
  theirs$fill(2)
  expect_identical(x, array(c(5, 1, 1)))
})

test_that("a draw that Python views is copied before R writes to it", {
  x <- draw_array(normal, c(2, 2))
  first <- x[1]
  view <- as_numpy(x)
  expect_identical(probe$address(view), data_address(x))
  x[1] <- 5
  expect_identical(reticulate::py_to_r(view$item(0L)), first)
})

test_that("arrays of all types and orders arrive", {
  for (x in list(array(1:24, 2:4), matrix(c(TRUE, FALSE, TRUE), 1), array(c(1, 2)), array(3L))) {
    expect_identical(as_r_array(as_numpy(x)), x)
  }
  expect_identical(as_r_array(as_numpy(c(a = 1, b = 2))), array(c(1, 2)))
  expect_identical(as_r_array(as_numpy(1:10)), array(1:10))
  expect_identical(as_r_array(as_numpy(seq(0.5, 3))), array(c(0.5, 1.5, 2.5)))
  expect_identical(as_r_array(as_numpy(double())), array(double()))

  rows <- numpy$arange(6, dtype = "float64")$reshape(2L, 3L)
  expect_identical(as_r_array(rows), matrix(c(0, 1, 2, 3, 4, 5), 2, byrow = TRUE))
  expect_false(identical(data_address(as_r_array(rows)), probe$address(rows)))
  columns <- numpy$asfortranarray(rows)
  expect_identical(as_r_array(columns), as_r_array(rows))
  expect_identical(data_address(as_r_array(columns)), probe$address(columns))

  scalar <- as_r_array(numpy$array(3))
  expect_identical(scalar, 3)
  expect_identical(as_r_array(pyarrow$array(list(1, 2, 3))$slice(1L)), array(c(2, 3)))
  bools <- pyarrow$array(list(TRUE, FALSE, TRUE))$slice(1L)
  expect_identical(as_r_array(bools), array(c(FALSE, TRUE)))
  expect_identical(as_r_array(pyarrow$array(list(1L, 2L), "int32")), array(1:2))
})

test_that("an array of each dtype has R's type and the same values", {
  for (dtype in c("int8", "int16", "int32", "uint8", "uint16")) {
    x <- numpy$array(list(list(1L, 2L), list(3L, 100L)), dtype)
    expect_identical(as_r_array(x), matrix(c(1L, 3L, 2L, 100L), 2), label = dtype)
  }
  for (dtype in c("uint32", "int64", "uint64", "float16", "float32", "float64")) {
    x <- numpy$array(list(list(1L, 2L), list(3L, 100L)), dtype)
    expect_identical(as_r_array(x), matrix(c(1, 3, 2, 100), 2), label = dtype)
  }
  bfloat16 <- reticulate::import("ml_dtypes", convert = FALSE)$bfloat16
  expect_identical(as_r_array(numpy$array(c(0.5, NaN), bfloat16)), array(c(0.5, NaN)))
  # 0.1 in float32, which is a double as well
  expect_identical(as_r_array(numpy$float32(0.1)), 13421773 / 2^27)
  expect_identical(as_r_array(numpy$int64(7L)), 7)
  expect_identical(as_r_array(numpy$`bool_`(TRUE)), TRUE)
  logicals <- numpy$array(list(list(TRUE, FALSE, TRUE), list(FALSE, FALSE, TRUE)))
  expected <- matrix(c(TRUE, FALSE, FALSE, FALSE, TRUE, TRUE), 2)
  expect_identical(as_r_array(logicals), expected)
  expect_identical(as_r_array(numpy$asfortranarray(logicals)), expected)
  weights <- normal$lazy(list(2L, 3L))
  expect_identical(as_r_array(weights), draw_array(normal, 2:3))
})

test_that("integers that R cannot represent are doubles or errors", {
  whole <- function(digits, dtype) numpy$array(list(digits, "1"))$astype(dtype)
  expect_identical(as_r_array(whole("-2147483648", "int32")), array(c(-2^31, 1)))
  expect_identical(as_r_array(whole("-9007199254740992", "int64")), array(c(-2^53, 1)))
  expect_identical(as_r_array(whole("9007199254740992", "uint64")), array(c(2^53, 1)))
  for (case in list(c("9007199254740993", "int64"), c("18446744073709551615", "uint64"))) {
    expect_error(
      as_r_array(whole(case[[1L]], case[[2L]])),
      paste0("Argument `x` must be of integers from -2\\^53 to 2\\^53.* with ", case[[1L]], "$"),
      class = "pyinit_value_error"
    )
  }
})

test_that("integers are shared, and copied before R writes", {
  theirs <- numpy$arange(6L, dtype = "int32")
  x <- as_r_array(theirs)
  expect_identical(data_address(x), probe$address(theirs))
  theirs$fill(7L)
  expect_identical(sum(x), 42L)
  x[2] <- 5L
  expect_identical(reticulate::py_to_r(theirs$item(1L)), 7L)
  expect_identical(x, array(c(7L, 5L, 7L, 7L, 7L, 7L)))

  back <- as_numpy(as_r_array(theirs))
  expect_identical(probe$address(back), probe$address(theirs))

  initializer <- python$Ones()
  drawn <- draw_array(initializer, c(2, 2), "int32")
  before <- data_address(drawn)
  drawn[1, 1] <- 2L
  expect_identical(data_address(drawn), before)
  drawn <- draw_array(initializer, c(2, 2), "bool")
  before <- data_address(drawn)
  drawn[1, 1] <- FALSE
  expect_identical(data_address(drawn), before)
  expect_identical(drawn, matrix(c(FALSE, TRUE, TRUE, TRUE), 2))
})

test_that("integer and logical vectors are as R's own", {
  for (values in list(c(3L, 1L, 2L), c(-1L, 0L, 7L, 7L), c(TRUE, FALSE, TRUE))) {
    x <- as_r_array(as_numpy(values))
    for (f in list(
      # of a sorted integer array, sort() drops the dimension if it is no ALTREP
      function(x) sort(as.vector(x)), sum, mean, range, order, rev, anyNA, which.max, unique,
      as.character, as.double,
      function(x) x[-1], function(x) x[c(1, NA, 99)], function(x) x + x, function(x) !x,
      function(x) which(x > 0), function(x) unserialize(serialize(x, NULL)),
      function(x) `[<-`(x, 2, NA), function(x) matrix(x, 1)
    )) {
      expect_identical(f(x), f(array(values)))
    }
  }
})

test_that("Keras variables are taken", {
  keras <- import_keras()
  variable <- keras$Variable(as_numpy(matrix(c(1, 2, 3, 4), 2)), dtype = "float32")
  expect_identical(as_r_array(variable), matrix(c(1, 2, 3, 4), 2))
})

test_that("an unsupported array is an error that names the supported types", {
  for (x in list("a", NULL, list(1), 1i, factor("a"), Sys.Date(), mean)) {
    expect_error(as_numpy(x), "Argument `x` must be a double", class = "pyinit_type_error")
  }
  expect_error(as_numpy(c(1L, NA)), "NA", class = "pyinit_value_error")
  expect_error(as_numpy(NA), "NA", class = "pyinit_value_error")
  expect_error(as_r_array(1), "Argument `x` must be a Python object", class = "pyinit_type_error")
  bad <- list(
    numpy$zeros(2L, "complex64"), numpy$array("a"), numpy$zeros(2L, "object"), numpy$ma$zeros(2L),
    pyarrow$array(list("a")), python, numpy$float32
  )
  for (x in bad) {
    expect_error(
      as_r_array(x), "Argument `x` must be a real or logical array or tensor without a mask",
      class = "pyinit_type_error"
    )
  }
  expect_error(
    as_r_array(pyarrow$array(list(1, NULL))), "without nulls.*null_count = 1",
    class = "pyinit_type_error"
  )
  expect_error(
    as_r_array(numpy$zeros(reticulate::tuple(reticulate::r_to_py(2^31)$`__int__`(), 0L))),
    "Argument `x` must be of dimensions up to 2\\^31 - 1",
    class = "pyinit_value_error"
  )
})

test_that("R's functions return the same as for an ordinary vector", {
  for (values in list(
    c(3, 1, 2), c(3, NA, 1), c(NaN, 2, NA), c(NA, 2, NaN), c(Inf, -Inf, 1), c(0, -0),
    c(1e308, 1e308), c(1, 1e-17, -1), rep(0.1, 1000)
  )) {
    x <- as_r_array(as_numpy(values))
    values <- array(values)
    for (f in list(
      sum, mean, prod, min, max, range, order, sort, rev, anyNA, is.unsorted, which.max, unique,
      duplicated, var, cumsum, is.na, as.character, function(x) x[-1], function(x) x[c(1, NA, 99)],
      function(x) sum(x, na.rm = TRUE), function(x) min(x, na.rm = TRUE), function(x) x + x,
      function(x) crossprod(x), function(x) `dim<-`(x, NULL),
      function(x) as.integer(x[is.finite(x)])
    )) {
      expect_identical(suppressWarnings(f(x)), suppressWarnings(f(values)))
    }
  }
})

test_that("R's collector releases Python's arrays", {
  initializer <- probe$Watched(seed = 1L)
  x <- draw_array(initializer, c(10, 10))
  collect()
  expect_true(initializer$alive())
  rm(x)
  collect()
  expect_false(initializer$alive())

  theirs <- numpy$zeros(3L)
  initializer$watch(theirs)
  x <- as_r_array(theirs)
  rm(theirs)
  collect()
  expect_true(initializer$alive())
  rm(x)
  collect()
  expect_false(initializer$alive())
})

test_that("R frees vectors that Python has released, on any thread", {
  initializer <- probe$Watched(seed = 1L)
  view <- as_numpy(draw_array(initializer, c(10, 10)))
  collect()
  expect_true(initializer$alive())
  rm(view)
  collect()
  expect_false(initializer$alive())

  held <- reticulate::r_to_py(list(as_numpy(draw_array(initializer, c(10, 10)))))
  collect()
  expect_true(initializer$alive())
  probe$forget_on_thread(held)
  # R frees it at the next transfer
  as_numpy(1)
  collect()
  expect_false(initializer$alive())
})

test_that("a saved array is an ordinary array, also in a session without the package", {
  x <- draw_array(normal, c(3, 2))
  file <- withr::local_tempfile(fileext = ".rds")
  saveRDS(x, file)
  expect_identical(readRDS(file), x)
  expect_identical(unserialize(serialize(x, NULL)), x)
  expect_session(
    c(
      sprintf("x <- readRDS(%s)", deparse(file)),
      "cat('pyinit' %in% loadedNamespaces(), dim(x), sprintf('%.17g', x))"
    ),
    paste(c(FALSE, 3, 2, sprintf("%.17g", x)), collapse = " "),
    env = paste0("R_LIBS=", tempdir())
  )
})

# The first lines of a new session.
start <- c(
  "python <- reticulate::import('pyinit', convert = FALSE)",
  "uniform <- pyinit:::draw_function(python$RandomUniform(seed = 1L))",
  "draw <- function(...) pyinit:::draw_array(uniform, c(...))",
  "x <- draw(20, 20)"
)

test_that("a session ends without errors with arrays on both sides", {
  expect_session(c(start, "view <- pyinit::as_numpy(x)", "cat(length(x))"), "400")
  expect_session(
    c(start, "y <- pyinit::as_r_array(pyinit::as_numpy(matrix(1)))", "cat(y)"), "1",
    env = "RETICULATE_ENABLE_PYTHON_FINALIZER=true"
  )
})

test_that("arrays outlive Python", {
  output <- run_r(c(
    start,
    "y <- draw(3)", "z <- pyinit::as_numpy(x)", "total <- sum(x)",
    "reticulate:::py_finalize()",
    "rm(y)", "invisible(gc())", "cat(length(x), sum(x) == total, '\\n')"
  ))
  # reticulate 1.41 and later end Python once more at exit, and print that it has ended
  expect_identical(output[[1L]], "400 TRUE ")
  expect_null(attr(output, "status"))
})

test_that("forked processes draw, read and collect", {
  skip_on_os("windows")
  expect_session(
    c(
      start,
      "child <- function(i) {",
      "  own <- sum(draw(20, 20))",
      "  all <- sum(x)",
      "  x <<- NULL",
      "  gc()",
      "  own == all",
      "}",
      "cat(unlist(parallel::mclapply(1:4, child, mc.cores = 2, mc.preschedule = FALSE)))",
      "invisible(gc())",
      "cat('', dim(x))"
    ),
    "TRUE TRUE TRUE TRUE 20 20"
  )
})

test_that("nothing is lost when R collects at every allocation", {
  skip_on_cran()
  x <- matrix(c(1, 2, 3, 4), 2)
  gctorture(TRUE)
  on.exit(gctorture(FALSE))
  drawn <- draw_array(normal, c(2, 2))
  back <- as_r_array(as_numpy(x))
  back[1, 1] <- 5
  logical <- draw_array(python$Ones(), 2, "bool")
  gctorture(FALSE)
  expect_identical(drawn, draw_array(normal, c(2, 2)))
  expect_identical(back, matrix(c(5, 2, 3, 4), 2))
  expect_identical(logical, array(c(TRUE, TRUE)))
})

# The peak memory of R code beyond that of the session before it, in MiB.
peak <- function(code) {
  output <- run_r(c(
    start,
    "memory <- function(what) {",
    "  line <- grep(what, readLines('/proc/self/status'), value = TRUE)",
    "  as.numeric(gsub('[^0-9]', '', line)) / 1024",
    "}",
    "invisible(gc())",
    "before <- memory('VmRSS')",
    "cat('5', file = '/proc/self/clear_refs')",
    code,
    "cat(memory('VmHWM') - before)"
  ))
  as.numeric(output)
}

test_that("a draw takes no more memory than its values", {
  skip_on_os(c("windows", "mac"))
  values <- 4096^2 * 8 / 1024^2
  grown <- peak("x <- draw(4096, 4096)")
  expect_gt(grown, 0.9 * values)
  expect_lt(grown, 1.15 * values)
})

test_that("memory stays flat over many draws", {
  skip_on_os(c("windows", "mac"))
  skip_if(grepl("libasan", Sys.getenv("LD_PRELOAD")), "AddressSanitizer keeps freed memory")
  zeros <- c(
    "zeros <- pyinit:::draw_function(python$Zeros())",
    "draw <- function(...) pyinit:::draw_array(zeros, c(...))"
  )
  loop <- "for (i in 1:%d) x <- draw(2048, 2048)"
  # 32 MiB each: 256 MiB may be garbage, one is in use and one is new
  expect_lt(peak(c(zeros, sprintf(loop, 60))), 256 + 2 * 32 + 16)
})

test_that("long vectors are shared", {
  skip_on_cran()
  size <- 2^31 + 8
  # NumPy's zeros take no memory until they are written
  zeros <- tryCatch(numpy$zeros(reticulate::r_to_py(size)$`__int__`()), error = identity)
  skip_if(inherits(zeros, "error"), "the machine has no room for 16 GiB of zeros")
  x <- as_r_array(zeros)
  expect_identical(length(x), size)
  expect_null(dim(x))
  expect_identical(x[c(1, size)], c(0, 0))
  expect_identical(reticulate::py_str(as_numpy(x)$shape), sprintf("(%.0f,)", size))
})
