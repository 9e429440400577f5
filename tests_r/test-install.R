# The Python sources in the R package, and their installation.

carried <- system.file("python", package = "pyinit")

test_that("the R package includes the whole Python package and nothing else", {
  # protects: install_pyinit() without a checkout; no caches or builds in the package
  root <- checkout_path()
  needed <- c(
    "LICENSE", "README.md", "pyproject.toml", "pyinit",
    intersect(c("setup.py", "setup.cfg"), list.files(root))
  )
  expect_setequal(list.files(carried), needed)
  repository <- file.path(root, "pyinit")
  sources <- list.files(repository, recursive = TRUE)
  sources <- sources[!grepl("__pycache__|\\.(so|pyd|o|pyc)$", sources)]
  expect_setequal(list.files(file.path(carried, "pyinit"), recursive = TRUE), sources)
  for (file in sources) {
    expect_identical(
      unname(tools::md5sum(file.path(carried, "pyinit", file))),
      unname(tools::md5sum(file.path(repository, file))),
      label = file
    )
  }
})

test_that("install_pyinit() installs a Python package that works", {
  # protects: a new user's one command, in an empty environment
  skip_if_not(identical(Sys.getenv("PYINIT_SLOW"), "1"), "PYINIT_SLOW is not 1")
  environment <- file.path(withr::local_tempdir(), "environment")
  python <- Sys.getenv("RETICULATE_PYTHON", Sys.which("python3"))
  stopifnot(system2(python, c("-m", "venv", environment)) == 0)
  # only the installed package, and no checkout in PYTHONPATH
  env <- c(paste0("RETICULATE_PYTHON=", file.path(environment, "bin", "python")), "PYTHONPATH=")
  before <- list.files(carried, recursive = TRUE, all.files = TRUE)
  installed <- run_r("pyinit::install_pyinit()", env)
  expect_identical(list.files(carried, recursive = TRUE, all.files = TRUE), before)
  file <- withr::local_tempfile(fileext = ".rds")
  output <- run_r(
    c(
      "library(pyinit)",
      "stopifnot(pyinit_available())",
      sprintf("saveRDS(initializer_he_normal(seed = 1)(c(3, 4)), '%s')", file),
      "invisible(initializer_stft()(c(8, 1, 5)))"
    ),
    env
  )
  expect_true(file.exists(file), info = paste(c(installed, output), collapse = "\n"))
  expect_identical(readRDS(file), initializer_he_normal(seed = 1)(c(3, 4)))
})
