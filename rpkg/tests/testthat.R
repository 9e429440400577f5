# Runs the tests in an R CMD check: those that need neither a checkout nor sessions of their own,
# unless NOT_CRAN is true. In a checkout, tests_r/run.R runs all of them.

library(testthat)
library(pyinit)

if (pyinit_available()) {
  test_check("pyinit")
} else {
  message("Without the Python package, no test is run.")
}
