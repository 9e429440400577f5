# No set-up: reticulate creates one environment for pyinit and Keras, from requirements.
#
# These tests run where reticulate is 1.41 or newer and uv is there, and need a package index. They
# use the system's Python, so that uv downloads none. They read these environment variables:
#   RETICULATE_UV  the path of uv, if it is not on the PATH. reticulate 1.41 needs a uv of its time,
#                  such as 0.6.6; newer versions of reticulate work with the newest.
#   SSL_CERT_FILE  the certificates of the package index; the default is Debian's bundle
#   UV_INDEX_URL   the package index, as for uv

skip_without_uv <- function() {
  skip_on_cran()
  version <- packageVersion("reticulate")
  skip_if(version < "1.41", paste("needs reticulate 1.41; this is", version))
  uv <- Sys.getenv("RETICULATE_UV", Sys.which("uv"))
  skip_if_not(nzchar(uv) && file.exists(uv), "needs uv (RETICULATE_UV or on the PATH)")
  skip_on_os(c("windows", "mac"))
  uv
}

# Returns a function that runs code in a new R session on a machine where nothing is installed but
# R, reticulate, uv and a Python that uv takes for one of its own.
managed_sessions <- function(uv, env = parent.frame()) {
  folder <- withr::local_tempdir(.local_envir = env)
  python <- base_python()
  version <- sub("^Python ", "", system2(python, "-V", stdout = TRUE))
  name <- sprintf("cpython-%s-linux-%s-gnu", version, R.version$arch)
  bin <- file.path(folder, "python", name, "bin")
  dir.create(bin, recursive = TRUE)
  # a copy, since reticulate does not use links
  python3x <- paste0("python", sub("[.][0-9]+$", "", version))
  file.copy(python, file.path(bin, python3x))
  file.symlink(python3x, file.path(bin, c("python", "python3")))
  variables <- c(
    RETICULATE_UV = uv, UV_PYTHON_INSTALL_DIR = file.path(folder, "python"),
    UV_PYTHON_DOWNLOADS = "never", KERAS_BACKEND = "jax",
    SSL_CERT_FILE = Sys.getenv("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
  )
  start <- c(
    new_machine(folder),
    sprintf(".libPaths(c('%s', .libPaths()))", keras3_library(folder)),
    # reticulate 1.41 looks only for a Python to download, unless one is named
    if (packageVersion("reticulate") < "1.46") {
      sprintf("reticulate::py_require(python_version = '%s')", version)
    }
  )
  # the packages that uv has downloaded before, where reticulate 1.41 has its uv keep them
  downloads <- tools::R_user_dir("reticulate", "cache")
  dir.create(downloads, showWarnings = FALSE, recursive = TRUE)
  dir.create(file.path(folder, "cache", "R"), recursive = TRUE)
  file.symlink(downloads, file.path(folder, "cache", "R", "reticulate"))
  result <- file.path(folder, "result.rds")
  function(...) {
    unlink(result)
    code <- c(start, ..., "saved$python <- reticulate::py_config()$python")
    code <- c(code, sprintf("saveRDS(saved, '%s')", result))
    output <- run_r(c("saved <- list()", code), paste0(names(variables), "=", variables))
    output <- paste(output, collapse = "\n")
    if (!file.exists(result)) stop(output)
    c(readRDS(result), list(output = output, folder = folder))
  }
}

# with the backend of Keras, which R users choose with keras3::use_backend()
attach_keras3 <- c("library(keras3)", "reticulate::py_require('jax')")

use_both <- c(
  "initializer <- initializer_he_normal(seed = 1)",
  "saved$values <- initializer(c(3, 4))",
  "keras <- reticulate::import('keras')",
  "layer <- keras$layers$Dense(4L, kernel_initializer = initializer)",
  "layer$build(reticulate::tuple(NULL, 3L))",
  "saved$weights <- keras$ops$convert_to_numpy(layer$kernel)",
  "saved$command <- reticulate::py_module_available('click')",
  "saved$scipy <- dim(initializer_stft()(c(8, 1, 5)))",
  "plan <- list(list(name = 'a', shape = 2, initializer = 'zeros'))",
  "saved$manifest <- length(create_manifest(plan))"
)

test_that("library(keras3); library(pyinit) needs no set-up, in every session", {
  # protects: R users of today; one environment for both packages, the same the next day
  run <- managed_sessions(skip_without_uv())
  first <- run(attach_keras3, "library(pyinit)", use_both)
  expected <- initializer_he_normal(seed = 1)(c(3, 4))
  expect_identical(first$values, expected)
  expect_identical(as.vector(first$weights), as.vector(expected))
  expect_identical(first$scipy, c(8L, 1L, 5L))
  expect_identical(first$manifest, 1L)
  # the command's packages are not needed in R
  expect_false(first$command)
  # one copy, complete, in the user's cache; nothing was built beside it or in R's library
  copies <- list.files(file.path(first$folder, "cache", "R", "pyinit"), recursive = TRUE)
  version <- packageVersion("pyinit")
  copy <- sprintf("^python/%s-[0-9a-f]{16}/pyinit_bridge-%s[.]tar[.]gz$", version, version)
  expect_match(copies, copy)
  expect_length(copies, 1L)

  second <- run("library(pyinit)", attach_keras3, use_both)
  expect_identical(second[c("values", "python")], first[c("values", "python")])
  expect_no_match(second$output, "Building|Built|Downloading|Installed")

  # an environment of this name does not hide the one with Keras
  virtualenv <- file.path(first$folder, "virtualenvs", "r-pyinit")
  expect_identical(system2(base_python(), c("-m", "venv", "--without-pip", virtualenv)), 0L)
  third <- run(attach_keras3, "library(pyinit)", use_both)
  expect_identical(third[c("values", "python")], first[c("values", "python")])

  # Python is running, with Keras, when pyinit is attached
  late <- run(
    attach_keras3, "keras <- reticulate::import('keras')", "library(pyinit)", use_both
  )
  expect_identical(late$values, expected)

  # the copy is deleted after pyinit was attached
  deleted <- run(
    "library(pyinit)", "unlink(tools::R_user_dir('pyinit', 'cache'), recursive = TRUE)",
    "saved$values <- initializer_he_normal(seed = 1)(c(3, 4))"
  )
  expect_identical(deleted$values, expected)
})

test_that("the vignette runs on a new machine", {
  # protects: the first page that a new user types, with reticulate and uv alone
  skip_if_not_installed("knitr")
  vignette <- checkout_path("rpkg", "vignettes", "pyinit.Rmd")
  run <- managed_sessions(skip_without_uv())
  page <- run(
    sprintf("page <- knitr::knit('%s', output = tempfile(), quiet = TRUE)", vignette),
    "saved$page <- readLines(page)"
  )
  expect_true(any(startsWith(page$page, "#> <pyinit initializer> HeNormal")))
  expect_no_match(page$page, "^#> Error|without the Python package")
})

test_that("install_pyinit() keeps the environment that reticulate creates", {
  # protects: users who call it out of habit; Keras is not lost
  run <- managed_sessions(skip_without_uv())
  installed <- run(
    attach_keras3, "library(pyinit)",
    "saved$path <- install_pyinit()", "saved$again <- install_pyinit()",
    "refused <- function(expr) conditionMessage(tryCatch(expr, pyinit_value_error = identity))",
    "saved$name <- refused(install_pyinit('r-reticulate'))",
    "saved$method <- refused(install_pyinit(method = 'virtualenv'))",
    use_both
  )
  expect_identical(installed$values, initializer_he_normal(seed = 1)(c(3, 4)))
  expect_identical(installed$path, dirname(dirname(installed$python)))
  expect_identical(installed$again, installed$path)
  expect_match(installed$output, "The Python package is in .*, which reticulate created")
  expect_match(installed$output, "R need not be restarted", fixed = TRUE)
  expect_match(installed$name, "`envname`.*would use a new environment.*Received.*r-reticulate")
  expect_match(installed$method, "`method`")
  expect_identical(list.files(file.path(installed$folder, "virtualenvs")), character())
})
