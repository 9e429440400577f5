# Runs the R commands of docs/cheatsheet.md: Rscript readme_commands.R FILE
# The file has one command a line. Each command that fails is printed with its error.
# Every command gets new objects under the names that the page uses.
library(pyinit)

keras <- reticulate::import("keras")

# keras3::layer_dense() without the package keras3, which need not be installed
layer_dense <- function(units, ...) {
  keras$layers$Dense(units = as.integer(units), ...)
}

new_model <- function() {
  kernel <- initializer_he_normal(seed = 1)
  keras$Sequential(list(
    keras$Input(list(4L)),
    keras$layers$Dense(3L, kernel_initializer = kernel, name = "dense")
  ))
}

for (command in readLines(commandArgs(trailingOnly = TRUE))) {
  names <- new.env(parent = globalenv())
  names$initializer <- initializer_he_normal(seed = 1)
  names$model <- new_model()
  tryCatch(
    {
      result <- eval(parse(text = command), names)
      if (inherits(result, c("pyinit_verification", "pyinit_self_test"))) {
        stopifnot(isTRUE(as.logical(result)))
      }
    },
    error = function(error) cat("FAILED ", command, ": ", conditionMessage(error), "\n", sep = "")
  )
}
