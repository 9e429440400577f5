# What the tests share.

# The backend of Keras that needs nothing else, unless the caller has chosen one.
if (!nzchar(Sys.getenv("KERAS_BACKEND"))) {
  Sys.setenv(KERAS_BACKEND = "numpy")
}

factories <- sort(grep("^initializer_", getNamespaceExports("pyinit"), value = TRUE))
takes_seed <- function(name) "seed" %in% names(formals(getExportedValue("pyinit", name)))
seeded <- Filter(takes_seed, factories)

# An initializer of each kind, by the name of its factory.
make <- function(name, ...) {
  getExportedValue("pyinit", name)(...)
}

# A shape that the initializer can fill.
shape_for <- function(name) {
  if (name == "initializer_stft") c(8, 1, 5) else c(4, 3)
}

# The values of a weight of Keras, as R doubles.
weight_values <- function(weight) {
  ops <- reticulate::import("keras", convert = FALSE)$ops
  as_r_array(ops$convert_to_numpy(reticulate::r_to_py(weight))$astype("float64"))
}

# Expects a condition of pyinit that names the argument, in one clean sentence: no traceback of
# Python, no prefix with the type.
expect_argument_error <- function(expr, argument, class = "pyinit_value_error") {
  error <- testthat::expect_error(expr, class = class)
  testthat::expect_s3_class(error, "pyinit_error")
  message <- conditionMessage(error)
  testthat::expect_match(message, paste0("`", argument, "`"), fixed = TRUE)
  testthat::expect_match(message, "Received: ", fixed = TRUE)
  testthat::expect_no_match(message, "Traceback|ValueError|TypeError|py_last_error|File \"")
  invisible(error)
}
