# Values with a class, long vectors, nested lists and strings of other encodings.

# Numbers of class integer64, without the package bit64: words of 64 bits, the lowest byte first.
integer64 <- function(...) {
  bytes <- as.raw(unlist(lapply(list(...), function(x) {
    low <- x %% 2^32
    high <- (x %/% 2^32) %% 2^32
    c(low %/% 256^(0:3) %% 256, high %/% 256^(0:3) %% 256)
  })))
  structure(readBin(bytes, "double", length(bytes) / 8, endian = "little"), class = "integer64")
}
with_low_bit <- function(x) { # 2^53 + 1 is no double
  bytes <- writeBin(as.vector(unclass(x)), raw(), endian = "little")
  bytes[[1]] <- as.raw(1)
  structure(readBin(bytes, "double", endian = "little"), class = "integer64")
}

test_that("an integer64 is the number that its digits are", {
  # protects: users of bit64 and data.table, whose seed of 3 was 1.5e-323
  he <- initializer_he_normal(seed = 3)
  expect_true(initializer_he_normal(seed = integer64(3)) == he)
  expect_identical(initializer_he_normal(seed = integer64(-5))$seed, -5)
  expect_identical(initializer_constant(integer64(3))$value, 3)
  expect_identical(initializer_zeros()(integer64(2, 3)), initializer_zeros()(c(2, 3)))
  expect_identical(initializer_zeros()(list(integer64(2), 3L)), initializer_zeros()(c(2, 3)))
  expect_identical(derive_seed(integer64(42), "a"), derive_seed(42, "a"))
  expect_identical(lazy_tensor(he, c(4, 2))[integer64(2), ], he(c(4, 2))[2, ])
  seed <- with_low_bit(integer64(2^53))
  expect_identical(as.character(initializer_he_normal(seed = seed)$seed), "9007199254740993")
  expect_identical(as.character(c(derive_seed(1, "a"), seed))[[2]], "9007199254740993")
  expect_argument_error(initializer_constant(seed), "value")
  expect_argument_error(initializer_zeros()(seed), "shape")
  missing <- integer64(2^63)
  expect_argument_error(initializer_he_normal(seed = missing), "seed")
  expect_argument_error(initializer_constant(missing), "value")
  expect_argument_error(set_random_seed(integer64(2^40)), "seed")
  expect_argument_error(
    initializer_constant(structure(integer64(3), class = c("nanotime", "integer64"))), "value"
  )
})

test_that("the digits of an integer64 are exact", {
  # protects: seeds of 64 bits
  numbers <- c(0, 1, 999999, 1e6, 2^32 - 1, 2^32, 2^53, -1, -2^32, -2^32 - 1, -2^53, -2^62)
  digits <- pyinit:::digits_of_integer64(do.call(integer64, as.list(numbers)))
  expect_identical(digits, sprintf("%.0f", numbers))
  skip_if_not_installed("bit64")
  digits <- c("9223372036854775807", "-9223372036854775807", "1234567890123456789", "-10", NA)
  expect_identical(pyinit:::digits_of_integer64(bit64::as.integer64(digits)), digits)
})

test_that("a value with another class is refused by name", {
  # protects: users whose date, factor or unit would be taken for the number behind it
  values <- list(
    as.Date("2026-01-01"), as.POSIXct(3, origin = "1970-01-01"), as.difftime(3, units = "secs"),
    factor("float32"), stdin(), noquote("float32"), as.hexmode(3L), numeric_version("3"),
    utils::as.roman(3), table(1), structure(3, class = "units"), structure(TRUE, class = "mine"),
    methods::getClass("numeric"), y ~ x
  )
  he <- initializer_he_normal(seed = 1)
  for (value in values) {
    expect_argument_error(initializer_random_normal(mean = value), "mean")
    expect_argument_error(initializer_he_normal(seed = value), "seed")
    expect_argument_error(he(value), "shape")
    expect_argument_error(he(2, value), "dtype")
    expect_argument_error(he(2, device = value), "device")
    expect_argument_error(he(2, partition_shape = value, partition_offset = 0), "partition_shape")
    expect_argument_error(derive_seed(1, value), "name")
    expect_argument_error(read_manifest(value), "file")
    expect_argument_error(create_manifest(list(), values = value), "values")
    expect_error(lazy_tensor(he, 3)[value], "^Index 1 must be", class = "pyinit_index_error")
  }
  # a class derived from "character" is a string
  path <- structure("missing.json", class = c("fs_path", "character"))
  expect_error(read_manifest(path), "missing.json", class = "pyinit_os_error")
})

test_that("an object that only has a class is refused", {
  # protects: R itself, which the methods of reticulate crash
  he <- initializer_he_normal(seed = 1)
  for (class in c("python.builtin.object", "pyinit_initializer", "pyinit_seed_generator")) {
    for (value in list(1, list(), "a", new.env(), function(x) x)) {
      false <- structure(value, class = c(class, if (is.function(value)) "function"))
      expect_argument_error(initializer_random_normal(mean = false), "mean")
      expect_argument_error(initializer_he_normal(seed = false), "seed")
      expect_argument_error(he(false), "shape")
      expect_error(lazy_tensor(false, 2), "`initializer` must be", class = "pyinit_type_error")
      expect_error(fingerprint(false), "`x` must be", class = "pyinit_type_error")
      expect_argument_error(serialize_initializer(false), "initializer")
    }
  }
  expect_argument_error(initializer_he_normal(structure("a", class = "pyinit_seed")), "seed")
})

test_that("lists and vectors are the same numbers, and lists in lists are refused", {
  # protects: list(2, 3), as keras3 writes shapes
  he <- initializer_he_normal(seed = 1)
  plan <- function(shape) {
    create_manifest(list(list(name = "a", shape = shape, initializer = "ones")))
  }
  for (shape in list(list(2, 3), list(2L, 3), list(2L, 3L), list(a = 2, b = 3))) {
    expect_identical(he(shape), he(c(2, 3)))
    expect_identical(plan(shape), plan(c(2, 3)))
    expect_true(
      initializer_he_normal(seed = 1, batch_axes = shape) ==
        initializer_he_normal(seed = 1, batch_axes = c(2, 3))
    )
  }
  for (shape in list(list(list(2), 3), list(c(2, 3)), list(2, "3"), list(as.Date("2026-01-01")))) {
    expect_argument_error(he(shape), "shape")
    expect_argument_error(plan(shape), "shape")
    expect_argument_error(initializer_he_normal(batch_axes = shape), "batch_axes")
    expect_argument_error(initializer_stft(window = shape), "window")
    expect_argument_error(initializer_constant(shape), "value")
  }
  deep <- list(1)
  for (i in 1:2000) deep <- list(deep)
  expect_argument_error(initializer_random_normal(deep), "mean")
  expect_argument_error(initializer_he_normal(batch_axes = character()), "batch_axes")
})

test_that("a long vector is refused before it is expanded", {
  # protects: a session with less than 8 GB
  he <- initializer_he_normal(seed = 1)
  lazy <- lazy_tensor(he, c(3, 2))
  long <- 1:1e9
  longer <- seq_len(1e10)
  gc(reset = TRUE)
  before <- gc()[2, 6]
  for (vector in list(long, longer)) {
    error <- expect_argument_error(he(vector), "shape")
    expect_match(conditionMessage(error), "c\\(1, 2, 3, .*000 elements\\)$")
    expect_argument_error(initializer_he_normal(seed = vector), "seed")
    expect_argument_error(initializer_he_normal(batch_axes = vector), "batch_axes")
    expect_argument_error(compute_fans(2, input_axes = vector, output_axes = 1), "input_axes")
    expect_argument_error(initializer_random_normal(vector), "mean")
    expect_argument_error(lazy_tensor(he, vector), "shape")
    expect_error(lazy[vector, 1], "Index 1 must be at most 3", class = "pyinit_index_error")
  }
  expect_argument_error(derive_seed(1, as.character(long)), "name")
  expect_argument_error(he(rep(list(1), 1e7)), "shape")
  expect_argument_error(get_initializer(list(shape = long)), "identifier")
  expect_argument_error(initializer_he_normal(batch_axes = rep(list(1), 2e5)), "batch_axes")
  # in MB: the list of 10^7 numbers takes 80
  expect_lt(gc()[2, 6] - before, 1000)
})

test_that("long ranges and omissions of a lazy tensor are read in runs", {
  # protects: indices of axes that R cannot enumerate
  bias <- lazy_tensor(initializer_ones(), 2^21 + 5, "bool")
  expect_identical(length(bias[3:(2^21 + 4)]), 2097154L)
  he <- initializer_he_normal(seed = 1)
  lazy <- lazy_tensor(he, c(5, 4))
  values <- he(c(5, 4))
  for (index in list(-1, -(2:3), c(-5, -1, -1), -9, c(-1, 0), -1.5, TRUE, c(TRUE, FALSE))) {
    expect_identical(lazy[index, ], values[index, ])
  }
  expect_identical(lazy[-(1:5), 1], values[-(1:5), 1])
  expect_argument_error(lazy[1, 1, drop = "a"], "drop")
})

test_that("characters of names are those of Python", {
  # protects: names that R accepts and a manifest refuses; every character of the basic plane
  skip_if_not_installed("jsonlite")
  hex <- jsonlite::fromJSON(checkout_path("tests", "data", "invalid_characters.json"))
  ranges <- matrix(strtoi(hex, 16L), ncol = 2)
  invalid <- unlist(apply(ranges, 1, function(range) range[[1]]:range[[2]], simplify = FALSE))
  # R has no character 0, and surrogates are no characters
  codes <- setdiff(1:0xffff, 0xd800:0xdfff)
  is_invalid <- grepl(pyinit:::control_characters, intToUtf8(codes, multiple = TRUE), perl = TRUE)
  expect_identical(codes[is_invalid], setdiff(invalid, 0L))
})

test_that("strings are the same in every encoding", {
  # protects: names in Latin-1, and sessions whose locale is C
  name <- "gr\u00f6\u00dfe"
  latin1 <- iconv(name, "UTF-8", "latin1")
  expect_identical(Encoding(latin1), "latin1")
  expect_identical(as.character(derive_seed(1, latin1)), as.character(derive_seed(1, name)))
  plan <- function(name) create_manifest(list(list(name = name, shape = 2, initializer = "ones")))
  expect_identical(plan(latin1), plan(name))
  invalid <- "a\xff"
  bytes <- `Encoding<-`(invalid, "bytes")
  for (wrong in list(invalid, bytes, `Encoding<-`(invalid, "UTF-8"), "a\nb", "a\u202eb")) {
    expect_argument_error(derive_seed(1, wrong), "name")
    expect_argument_error(random_seed_generator(1, wrong), "name")
    expect_argument_error(plan(wrong), "name")
    expect_argument_error(read_manifest(wrong), "file")
    expect_argument_error(initializer_variance_scaling(mode = wrong), "mode")
  }
  error <- expect_argument_error(derive_seed(1, "a\u202eb"), "name")
  expect_match(conditionMessage(error), "\"a\\u202eb\"", fixed = TRUE)
  found <- run_r(
    c("library(pyinit)", "cat(derive_seed(1, 'gr\\xc3\\xb6\\xc3\\x9fe'))"), env = "LC_ALL=C"
  )
  expect_identical(found, as.character(derive_seed(1, name)))
})

test_that("a misspelt argument after `...` is refused", {
  # protects: users who write sed = 1
  he <- initializer_he_normal(seed = 1)
  calls <- list(
    quote(random_seed_generator(1, "a", sede = 2)), quote(he(2, sede = 2)),
    quote(create_manifest(list(), sede = 2)), quote(verify("a.json", sede = 2)),
    quote(materialize("a.json", "a.safetensors", sede = 2)),
    quote(map_partitions(he, 2, fun = length, sede = 2)), quote(summary(he, sede = 2)),
    quote(install_pyinit("a", sede = 2)), quote(get_initializer(c(1, 2))(2, sede = 2))
  )
  for (call in calls) {
    expect_error(eval(call), "sede", class = "pyinit_type_error")
  }
  with_dots <- Filter(
    function(name) "..." %in% names(formals(getExportedValue("pyinit", name))),
    getNamespaceExports("pyinit")
  )
  called <- vapply(calls, function(call) as.character(call[[1]])[[1]], "")
  expect_length(setdiff(with_dots, called), 0L)
})
