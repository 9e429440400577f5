# Python environments for the tests that install packages.

# Code that forgets the Python and the environments of this machine: without RETICULATE_PYTHON, with
# an empty folder of virtual environments and an empty user cache.
new_machine <- function(folder) {
  c(
    "Sys.unsetenv(c('RETICULATE_PYTHON', 'RETICULATE_PYTHON_ENV', 'VIRTUAL_ENV', 'PYTHONPATH'))",
    sprintf("Sys.setenv(R_USER_CACHE_DIR = '%s')", file.path(folder, "cache")),
    sprintf("Sys.setenv(WORKON_HOME = '%s')", file.path(folder, "virtualenvs")),
    "Sys.unsetenv('RETICULATE_VIRTUALENV_ROOT')",
    sprintf("setwd('%s')", folder) # reticulate prefers the folder .venv of the working directory
  )
}

# Installs a stand-in for keras3 into a new library and returns the library. When loaded, it
# requires Keras and prefers the environment r-keras, like keras3.
keras3_library <- function(folder) {
  package <- file.path(folder, "keras3")
  library <- file.path(folder, "library")
  dir.create(file.path(package, "R"), recursive = TRUE)
  dir.create(library)
  writeLines(c("Package: keras3", "Version: 1.5.1"), file.path(package, "DESCRIPTION"))
  file.create(file.path(package, "NAMESPACE"))
  writeLines(
    c(
      ".onLoad <- function(libname, pkgname) {",
      "  if ('py_require' %in% getNamespaceExports('reticulate')) {",
      "    reticulate::py_require('keras')",
      "  }",
      "  delay_load <- list(priority = 10, environment = 'r-keras')",
      "  reticulate::import('keras', delay_load = delay_load)",
      "}"
    ),
    file.path(package, "R", "zzz.R")
  )
  output <- system2(
    file.path(R.home("bin"), "R"),
    c("CMD", "INSTALL", "--no-test-load", paste0("--library=", library), package),
    stdout = TRUE, stderr = TRUE
  )
  stopifnot(dir.exists(file.path(library, "keras3")))
  library
}

# A Python that is in no environment: of a virtual environment, the one that it was made from.
base_python <- function() {
  python <- Sys.getenv("RETICULATE_PYTHON", Sys.which("python3"))
  if (!file.exists(python)) {
    python <- Sys.which("python3")
  }
  system2(python, c("-c", shQuote("import sys; print(sys._base_executable)")), stdout = TRUE)
}
