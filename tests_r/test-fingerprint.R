# Fingerprints of initializers and arrays.

# The values of Python expressions, printed by a separate Python process.
in_python <- function(expressions) {
  code <- c("import numpy as np, pyinit", sprintf("print(%s)", expressions))
  file <- withr::local_tempfile(fileext = ".py", lines = code)
  system2(reticulate::py_config()$python, shQuote(file), stdout = TRUE)
}

test_that("fingerprints equal those of a separate Python process", {
  # protects: the same digests in both languages, for every dtype, rank and kind of seed
  generator <- random_seed_generator(7)
  generator$`next`()
  cases <- list(
    list("pyinit.HeNormal(seed=1), (4, 3)", initializer_he_normal(seed = 1), c(4, 3)),
    list("pyinit.HeNormal(seed=1), ()", initializer_he_normal(seed = 1), integer()),
    list("pyinit.HeNormal(seed=1), (0, 3)", initializer_he_normal(seed = 1), c(0, 3)),
    list(
      "pyinit.RandomUniform(seed=-3), (2000, 700), 'bfloat16'",
      initializer_random_uniform(seed = -3), c(2000, 700), "bfloat16"
    ),
    list("pyinit.Orthogonal(seed=5), (6, 4), 'float16'", initializer_orthogonal(seed = 5), c(6, 4),
      "float16"),
    list(
      "pyinit.RandomNormal(seed=pyinit.derive_seed(1, 'a')), (5,), 'float64'",
      initializer_random_normal(seed = derive_seed(1, "a")), 5, "float64"
    ),
    list("pyinit.Constant(-2), (2, 2), 'int8'", initializer_constant(-2), c(2, 2), "int8"),
    list("pyinit.Constant(2**40), (2,), 'int64'", initializer_constant(2^40), 2, "int64"),
    list("pyinit.Ones(), (3,), 'bool'", initializer_ones(), 3, "bool"),
    list("pyinit.STFT(), (8, 1, 5)", initializer_stft(), list(8L, 1L, 5L)),
    list("(g := pyinit.SeedGenerator(7)).next() and pyinit.TruncatedNormal(seed=g), (4, 3)",
      initializer_truncated_normal(seed = generator), c(4, 3))
  )
  expressions <- vapply(cases, `[[`, "", 1L)
  expected <- in_python(sprintf("pyinit.fingerprint(%s)", expressions))
  for (i in seq_along(cases)) {
    arguments <- cases[[i]][-1]
    expect_identical(do.call(fingerprint, arguments), expected[[i]], label = expressions[[i]])
  }
})

test_that("an array has the fingerprint of the initializer that drew it", {
  # protects: R arrays, whose doubles are values of a float dtype
  for (name in factories) {
    initializer <- if (name %in% seeded) make(name, seed = 1) else make(name)
    shape <- shape_for(name)
    expected <- fingerprint(initializer, shape)
    expect_match(expected, "^[0-9a-f]{64}$")
    expect_identical(fingerprint(initializer(shape)), expected, label = name)
    expect_identical(fingerprint(initializer(shape), shape, "float32"), expected, label = name)
    float64 <- fingerprint(initializer, shape, "float64")
    expect_identical(fingerprint(initializer(shape, "float64"), dtype = "float64"), float64)
  }
  scalar <- initializer_he_normal(seed = 1)(integer())
  expect_identical(
    fingerprint(scalar, integer()), fingerprint(initializer_he_normal(seed = 1), integer())
  )
})

test_that("an array's type in R determines its dtype", {
  # protects: integers, logicals and doubles, whose dtype is floatx() by default
  expect_identical(fingerprint(1:3), fingerprint(c(1, 2, 3), dtype = "int32"))
  expect_identical(fingerprint(c(TRUE, TRUE)), fingerprint(initializer_ones(), 2, "bool"))
  x <- matrix(c(0, -0.5, 2, 4), 2)
  in_float32 <- fingerprint(x)
  withr::defer(set_floatx("float32"))
  set_floatx("float64")
  expect_identical(fingerprint(x), fingerprint(x, dtype = "float64"))
  expect_false(fingerprint(x) == in_float32)
  expect_false(fingerprint(0) == fingerprint(-0))
  expect_false(fingerprint(matrix(0, 2, 3)) == fingerprint(matrix(0, 3, 2)))
})

test_that("array initializers and Python objects have fingerprints", {
  # protects: initializers and arrays that are not R's
  x <- matrix(c(1, 2, 3, 4), 2)
  expect_identical(fingerprint(get_initializer(x), c(2, 2)), fingerprint(x))
  expect_identical(
    fingerprint(get_initializer(x), c(2, 2), "int16"), fingerprint(x, dtype = "int16")
  )
  expect_identical(fingerprint(as_numpy(x)), fingerprint(x, dtype = "float64"))
  python <- reticulate::import("pyinit", convert = FALSE)
  expect_identical(
    fingerprint(python$HeNormal(seed = 1L), c(4, 3)),
    fingerprint(initializer_he_normal(seed = 1), c(4, 3))
  )
})

test_that("a fingerprint takes a draw of a seed generator, as a call does", {
  # protects: the same rule as in Python
  initializer <- initializer_he_normal(seed = random_seed_generator(1))
  first <- fingerprint(initializer, 3)
  second <- fingerprint(initializer, 3)
  again <- initializer_he_normal(seed = random_seed_generator(1))
  expect_identical(c(fingerprint(again(3)), fingerprint(again(3))), c(first, second))
  expect_false(first == second)
})

test_that("an object without a fingerprint is an error", {
  # protects: the error messages of the Python package
  initializer <- initializer_he_normal(seed = 1)
  expect_argument_error(fingerprint(initializer), "shape")
  expect_argument_error(fingerprint(get_initializer(c(1, 2))), "shape")
  expect_argument_error(fingerprint(initializer, "a"), "shape")
  expect_argument_error(fingerprint(initializer, -1), "shape")
  expect_argument_error(fingerprint(initializer, 3, "int32"), "dtype")
  expect_argument_error(fingerprint(initializer, 3, NA), "dtype")
  expect_argument_error(fingerprint(c(1, 2), c(1, 2)), "shape")
  expect_argument_error(fingerprint(c(1, 2), integer()), "shape")
  expect_argument_error(fingerprint(0.1), "dtype")
  expect_argument_error(fingerprint(1.5, dtype = "int32"), "dtype")
  expect_argument_error(fingerprint(300L, dtype = "uint8"), "dtype")
  expect_argument_error(fingerprint(c(1L, NA)), "x")
  for (x in list(NULL, "a", mean, list(1), factor("a"), reticulate::import("sys"))) {
    expect_argument_error(fingerprint(x, 1), "x", "pyinit_type_error")
  }
})
