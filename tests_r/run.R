# Runs all tests of the R package, as installed: Rscript tests_r/run.R
# PYINIT_SLOW=1 adds a test that installs the Python package into a new environment.

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
