# A sample of the table of wrong calls, see tests/robustness/README.md. All calls:
# Rscript tests/robustness/wrong_calls.R

folder <- checkout_path("tests", "robustness")
skip_if_not_installed("jsonlite")
skip_if_not_installed("bit64")
skip_if_not(reticulate::py_module_available("keras"), "needs Keras")
source(file.path(folder, "r_oracle.R"), local = TRUE)
runner <- new.env(parent = environment())
sys.source(file.path(folder, "wrong_calls.R"), runner)
table <- read_table(folder)

test_that("every argument of every exported function is in the table", {
  # protects: arguments that are added later, which the run would not try with a valid value
  for (entry in functions_to_call(table)) {
    for (argument in names(entry$kinds)) {
      kind <- entry$kinds[[argument]]
      expect_false(is.null(table$kinds[[kind]]), label = paste(entry$name, argument))
    }
  }
})

test_that("no wrong call is accepted, hangs, crashes or has an unclear error", {
  # protects: users who pass a date, a factor, an integer64, 1:1e9 or an object of another kind
  skip_on_cran()
  found <- runner$run_calls(folder, runner$sample_of(runner$calls_of(table), 40))
  expect_gt(nrow(found), 400)
  wrong <- found[!found$result %in% c("accepted", "rejected"), ]
  expect_identical(sprintf("%s: %s: %s", wrong$result, wrong$code, wrong$text), character())
})
