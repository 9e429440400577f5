# Shared by the tests.

# The path of a file in the checkout. Skips the test where there is none: in an R CMD check, the
# tests run from a copy in the package.
checkout_path <- function(...) {
  root <- normalizePath("..")
  testthat::skip_if_not(file.exists(file.path(root, "pyproject.toml")), "needs a checkout")
  file.path(root, ...)
}

# Keras' backend without dependencies, unless the caller has chosen one.
if (!nzchar(Sys.getenv("KERAS_BACKEND"))) {
  Sys.setenv(KERAS_BACKEND = "numpy")
}

# Skips a test that takes long, unless all tests are run.
skip_unless_slow <- function() {
  testthat::skip_if_not(identical(Sys.getenv("PYINIT_SLOW"), "1"), "PYINIT_SLOW is not 1")
}

# The Python module keras. Skips the test where it is missing.
import_keras <- function() {
  testthat::skip_if_not(reticulate::py_module_available("keras"), "needs Keras")
  reticulate::import("keras")
}

factories <- sort(grep("^initializer_", getNamespaceExports("pyinit"), value = TRUE))
takes_seed <- function(name) "seed" %in% names(formals(getExportedValue("pyinit", name)))
seeded <- Filter(takes_seed, factories)

# An initializer by the name of its factory.
make <- function(name, ...) {
  getExportedValue("pyinit", name)(...)
}

# A shape that the initializer can fill.
shape_for <- function(name) {
  kernels <- paste0("initializer_", c("stft", "delta_orthogonal", "dirac"))
  if (name %in% kernels) c(8, 1, 5) else c(4, 3)
}

# The number of matrices that a lazy orthogonal tensor has computed in this process.
computed_matrices <- function(x) {
  length(reticulate::py_to_r(reticulate::r_to_py(x)$`_kept`))
}

# The values of a Keras weight, as an R array.
weight_values <- function(weight) {
  as_r_array(reticulate::r_to_py(weight))
}

# Expects a condition of pyinit that names the argument, without Python's traceback or exception
# type.
expect_argument_error <- function(expr, argument, class = "pyinit_value_error") {
  error <- testthat::expect_error(expr, class = class)
  testthat::expect_s3_class(error, "pyinit_error")
  message <- conditionMessage(error)
  testthat::expect_match(message, paste0("`", argument, "`"), fixed = TRUE)
  testthat::expect_match(message, "Received: ", fixed = TRUE)
  testthat::expect_no_match(message, "Traceback|ValueError|TypeError|py_last_error|File \"")
  invisible(error)
}
