# Runs all tests of the R package, as installed: Rscript tests_r/run.R
# PYINIT_SLOW=1 adds the tests that install the Python package into new environments, and those with
# every kind of worker process.

script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
library(testthat)
library(pyinit)
# with the tests that R CMD check skips
Sys.setenv(NOT_CRAN = "true")
test_dir(
  dirname(normalizePath(script)),
  package = "pyinit", load_package = "installed",
  reporter = if (nzchar(Sys.getenv("CI"))) "check" else "summary",
  stop_on_failure = TRUE, stop_on_warning = TRUE
)
