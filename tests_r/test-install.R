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

# Runs code with Keras' R package in the library, on a machine with the environments in a folder.
in_folder <- function(folder, library, code, env = character()) {
  run_r(c(new_machine(folder), sprintf(".libPaths(c('%s', .libPaths()))", library), code), env)
}

test_that("install_pyinit() installs where Keras is, and both are found", {
  # protects: users of keras3::install_keras(), with every version of reticulate
  skip_unless_slow()
  folder <- normalizePath(withr::local_tempdir())
  library <- keras3_library(folder)
  environment <- file.path(folder, "virtualenvs", "r-keras")
  python <- file.path(environment, "bin", "python")
  stopifnot(system2(base_python(), c("-m", "venv", environment)) == 0)
  # without what Keras needs: it is only looked for
  for (packages in c("numpy", "--no-deps keras")) {
    status <- pyinit:::with_library_path_of_shell(
      system2(python, c("-m", "pip", "install", "-q", packages))
    )
    stopifnot(status == 0)
  }
  code <- c("library(pyinit)", "cat('installed in', install_pyinit())")
  output <- paste(in_folder(folder, library, code), collapse = "\n")
  expect_match(output, paste("installed in", environment), fixed = TRUE)
  expect_match(output, "library(pyinit) finds it in every session", fixed = TRUE)

  # whichever package is attached first, and without keras3
  for (attached in c("library(keras3); library(pyinit)", "library(pyinit); library(keras3)",
                     "library(pyinit)")) {
    code <- c(
      attached, "stopifnot(sum(initializer_ones()(2)) == 2)",
      "cat('uses', reticulate::py_config()$python)",
      "find_spec <- reticulate::import('importlib.util')$find_spec",
      "stopifnot(!is.null(find_spec('keras')))"
    )
    output <- in_folder(folder, library, code)
    expect_match(paste(output, collapse = "\n"), paste0("uses ", environment, "/bin/python"))
    expect_null(attr(output, "status"))
  }

  # an environment of the user's own is not used by itself
  code <- "install_pyinit('mine')"
  output <- paste(in_folder(folder, library, c("library(pyinit)", code)), collapse = "\n")
  own <- file.path(folder, "virtualenvs", "mine")
  expect_match(output, paste("The Python package is installed in", own), fixed = TRUE)
  expect_match(output, sprintf("reticulate::use_virtualenv(\"%s\")", own), fixed = TRUE)
  expect_match(output, "Keras is not installed there", fixed = TRUE)
  code <- c("reticulate::use_virtualenv('mine', required = TRUE)", "library(pyinit)")
  code <- c(code, "cat(pyinit_available(), reticulate::py_config()$python)")
  output <- paste(in_folder(folder, library, code), collapse = "\n")
  expect_match(output, paste("TRUE", own), fixed = TRUE)

  # Python is running: R has to be restarted
  code <- c("library(pyinit)", "reticulate::py_run_string('1')", "install_pyinit('mine')")
  output <- paste(in_folder(folder, library, code), collapse = "\n")
  expect_match(output, "Restart R to use it. To choose it: reticulate::use_", fixed = TRUE)
})

test_that("install_pyinit() uses the pip of a chosen Python that is in no environment", {
  # protects: users whose RETICULATE_PYTHON is the system's Python
  skip_on_cran()
  python <- paste0("RETICULATE_PYTHON=", base_python())
  code <- c(
    "library(pyinit)",
    "error <- tryCatch(install_pyinit(), pyinit_import_error = conditionMessage)",
    "writeLines(error)"
  )
  output <- paste(run_r(code, c(python, "PIP_REQUIRE_VIRTUALENV=1")), collapse = "\n")
  expect_match(output, "pip could not install into .*virtualenv_create.*install_pyinit")
  output <- run_r("pyinit::install_pyinit(pip_options = '-q')", c(python, "PIP_DRY_RUN=1"))
  expect_match(paste(output, collapse = "\n"), "Arguments `method` and `...` are not used for")
  skip_unless_slow()
  status <- pyinit:::with_library_path_of_shell(
    system2(base_python(), c("-m", "pip", "-V"), stdout = FALSE, stderr = FALSE)
  )
  skip_if_not(status == 0, "the Python outside of all environments has no pip")
  # into a user's folder, which is removed
  user <- paste0("PYTHONUSERBASE=", withr::local_tempdir())
  pip <- c("PIP_USER=1", "PIP_BREAK_SYSTEM_PACKAGES=1", user, "PYTHONPATH=")
  output <- paste(run_r("pyinit::install_pyinit()", c(python, pip)), collapse = "\n")
  expect_match(output, paste("The Python package is installed in", base_python()))
  output <- run_r("cat(pyinit::pyinit_available())", c(python, user, "PYTHONPATH="))
  expect_identical(output, "TRUE")
})

test_that("pip is started with the library path that R was started with", {
  # protects: users of a Python whose libpython is not the system's, as with pyenv
  code <- "cat(pyinit:::with_library_path_of_shell(Sys.getenv('LD_LIBRARY_PATH')))"
  expect_identical(run_r(code, "LD_LIBRARY_PATH=/one:/two"), "/one:/two")
  expect_identical(run_r(code, "LD_LIBRARY_PATH="), character())
  before <- Sys.getenv("LD_LIBRARY_PATH")
  pyinit:::with_library_path_of_shell(NULL)
  expect_identical(Sys.getenv("LD_LIBRARY_PATH"), before)
})

test_that("a Python that RETICULATE_PYTHON hides is chosen with RETICULATE_PYTHON", {
  # protects: users who set it, since use_virtualenv() has no effect then
  withr::local_envvar(RETICULATE_PYTHON = "/b/bin/python")
  step <- pyinit:::how_to_choose("/a", "/a/bin/python")
  expect_match(step, "Sys.setenv(RETICULATE_PYTHON = \"/a/bin/python\")", fixed = TRUE)
})

test_that("invalid arguments of install_pyinit() are errors before anything is installed", {
  # protects: users who mistype
  expect_argument_error(install_pyinit(envname = 1), "envname")
  expect_argument_error(install_pyinit(envname = character()), "envname")
  expect_argument_error(install_pyinit(envname = NA_character_), "envname")
  expect_argument_error(install_pyinit(method = "pip"), "method")
  expect_argument_error(install_pyinit("a", method = c("conda", "virtualenv")), "method")
})

test_that("install_pyinit() installs a Python package that works", {
  # protects: a new user's one command, in an empty environment
  skip_unless_slow()
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
