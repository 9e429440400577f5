# Installing the Python package.

# The environments that keras3 and tensorflow install into and prefer, in their order.
keras_environments <- c("r-keras", "r-tensorflow")

#' Install the Python package
#'
#' @description
#' With reticulate 1.41 or newer there is nothing to install: `library(pyinit)` declares the Python
#' package, whose sources this R package includes, with `reticulate::py_require()`. When Python is
#' first used, reticulate creates an environment with it and with everything that other R packages
#' require, such as Keras. The first time takes about a minute; later sessions reuse the
#' environment.
#'
#' `install_pyinit()` is for older versions of reticulate and for Python environments of your own.
#' It installs the Python package and the packages that it needs when called from R (NumPy,
#' ml_dtypes, cffi, pyarrow, SciPy, jsonschema), and reports where they are and whether R must be
#' restarted.
#'
#' `pyinit_available()` checks whether Python and the Python package can be used.
#'
#' @details
#' Without `envname`, `install_pyinit()` installs into the environment where R looks for Keras, so
#' that one session can use both:
#'
#' 1. The Python in use, or the one chosen with the environment variable `RETICULATE_PYTHON` or a
#'    function such as [reticulate::use_virtualenv()].
#' 2. The virtual or conda environment `"r-keras"` or `"r-tensorflow"`, if it exists, and otherwise
#'    the environment that reticulate finds.
#' 3. If there is none, the environment that reticulate creates from declared requirements. With an
#'    older reticulate, or if `RETICULATE_USE_MANAGED_VENV` is `"no"`: the Python that has Keras, or
#'    else a new virtual environment `"r-reticulate"`.
#'
#' In an environment created by reticulate, `install_pyinit()` builds the Python package again, for
#' example after you have installed a C compiler. Call it in a new session.
#'
#' The sources are copied to the folder `tools::R_user_dir("pyinit", "cache")`, which can be deleted
#' at any time.
#'
#' @param envname
#' The name or path of the Python environment to install into. It is created if it does not exist.
#' `NULL` means the environment of Keras, see Details.
#'
#' @param method
#' The type of environment: `"auto"`, `"virtualenv"` or `"conda"`.
#'
#' @param ...
#' Passed to [reticulate::py_install()].
#'
#' @returns
#' `install_pyinit()` returns the path of the environment, invisibly. `pyinit_available()` returns
#' `TRUE` or `FALSE`.
#'
#' @export
#' @examples
#' \dontrun{
#' install_pyinit()
#' }
#' pyinit_available()
install_pyinit <- function(envname = NULL, method = "auto", ...) {
  method <- check_method(method)
  check_options(...)
  if (!is.null(envname)) {
    check_envname(envname)
    return(install_into(envname, method, ...))
  }
  python <- chosen_python()
  if (is.null(python) || isTRUE(python$ephemeral)) {
    check_no_options("an environment created by reticulate", method, ...)
    return(install_managed())
  }
  environment <- environment_of(python$python)
  if (!is.null(environment)) {
    return(install_into(environment$path, environment$type, ...))
  }
  if (is_chosen_by_user(python) || !is.null(python$required_module_path)) {
    check_no_options(python$python, method, ...)
    return(install_beside(python$python))
  }
  install_into("r-reticulate", method, ...)
}

#' @rdname install_pyinit
#' @export
pyinit_available <- function() {
  tryCatch(
    {
      bridge()
      TRUE
    },
    pyinit_import_error = function(error) FALSE
  )
}

# The Python in use, or the one that reticulate would choose for Keras, as py_config() describes it;
# NULL if reticulate would create an environment.
chosen_python <- function() {
  if (is_chosen_python_missing()) {
    stop_pyinit(
      "RETICULATE_PYTHON is set to a file that does not exist: ", Sys.getenv("RETICULATE_PYTHON"),
      "\n", how_to_unset, " Then call pyinit::install_pyinit() again.",
      class = "pyinit_import_error"
    )
  }
  if (reticulate::py_available()) {
    reticulate::py_config()
  } else {
    reticulate::py_discover_config("keras", keras_environments)
  }
}

# Whether a Python is in use or was chosen by the user, so that the session uses no other.
is_chosen_by_user <- function(python) {
  reticulate::py_available() || nzchar(Sys.getenv("RETICULATE_PYTHON")) ||
    any(startsWith(as.character(python$forced), "use_python"))
}

# The type and path of the environment that a Python belongs to; NULL if it belongs to none.
environment_of <- function(python) {
  python <- file.path(normalizePath(dirname(python), winslash = "/"), basename(python))
  # in Windows, conda's Python is in the folder of the environment
  folders <- c(dirname(python), dirname(dirname(python)))
  for (folder in folders) {
    if (file.exists(file.path(folder, "pyvenv.cfg"))) {
      return(list(type = "virtualenv", path = folder))
    }
    if (dir.exists(file.path(folder, "conda-meta"))) {
      return(list(type = "conda", path = folder))
    }
  }
}

# The Python of an environment; NULL if the environment does not exist.
python_of <- function(envname) {
  if (reticulate::virtualenv_exists(envname)) {
    return(reticulate::virtualenv_python(envname))
  }
  python <- tryCatch(reticulate::conda_python(envname), error = function(error) "")
  if (file.exists(python)) python
}

# The first virtual environment of Keras that has this version of the Python package; NULL if none
# has. Looks at files only, since it runs whenever the package is loaded.
keras_environment <- function() {
  for (name in Filter(reticulate::virtualenv_exists, keras_environments)) {
    root <- environment_of(reticulate::virtualenv_python(name))$path
    distribution <- paste0("pyinit_bridge-", utils::packageVersion("pyinit"), ".dist-info")
    libraries <- Sys.glob(file.path(root, c("lib/python3*", "Lib"), "site-packages"))
    if (any(dir.exists(file.path(libraries, distribution)))) {
      return(name)
    }
  }
}

install_into <- function(envname, method, ...) {
  with_library_path_of_shell(reticulate::py_install(
    python_requirement(),
    envname = envname, method = method, pip = TRUE, ...
  ))
  python <- python_of(envname)
  report_installed(environment_of(python)$path, python)
}

# Installs with the pip of a Python that is not in an environment.
install_beside <- function(python) {
  arguments <- c("-m", "pip", "install", "--upgrade", shQuote(python_requirement()))
  if (with_library_path_of_shell(system2(python, arguments)) != 0L) {
    stop_pyinit(
      "pip could not install into ", python, ", which is not in a virtual environment. ",
      "To use one instead: reticulate::virtualenv_create(\"r-keras\"), install Keras there, then ",
      "pyinit::install_pyinit(\"r-keras\")",
      class = "pyinit_import_error"
    )
  }
  report_installed(python, python)
}

# Evaluates code that starts Python with the LD_LIBRARY_PATH that R itself was started with. R puts
# the system's folder of libraries first, whose libpython may be another build than that of a Python
# from pyenv or conda. Such a Python cannot import ssl, so pip cannot download.
with_library_path_of_shell <- function(code) {
  path <- Sys.getenv("LD_LIBRARY_PATH", NA)
  added <- library_path_of_r()
  if (!is.na(path) && nzchar(added)) {
    on.exit(Sys.setenv(LD_LIBRARY_PATH = path))
    # more than once in an R that another R has started
    before <- path
    while (startsWith(paste0(before, ":"), paste0(added, ":"))) {
      before <- substring(before, nchar(added) + 2L)
    }
    if (nzchar(before)) Sys.setenv(LD_LIBRARY_PATH = before) else Sys.unsetenv("LD_LIBRARY_PATH")
  }
  code
}

# The folders that R puts in front of LD_LIBRARY_PATH; "" where it does not.
library_path_of_r <- function() {
  script <- file.path(R.home("etc"), "ldpaths")
  if (.Platform$OS.type != "unix" || !file.exists(script)) {
    return("")
  }
  command <- sprintf(". %s; printf %%s \"$R_LD_LIBRARY_PATH\"", shQuote(script))
  paste(system2("sh", c("-c", shQuote(command)), stdout = TRUE), collapse = "")
}

# Lets reticulate create the environment with all requirements of the session.
install_managed <- function() {
  is_running <- reticulate::py_available()
  if (!is_running) {
    unlink(source_archive()) # a new file is built again
  }
  session$requirement <- NULL
  declare_requirement()
  python <- tryCatch(reticulate::py_config()$python, error = function(error) {
    stop_pyinit(
      "reticulate could not create an environment with the Python package (the reason is above): ",
      conditionMessage(error),
      class = "pyinit_import_error"
    )
  })
  path <- environment_of(python)$path
  if (!pyinit_available()) {
    stop_pyinit(
      "The Python package could not be added to the environment in use, ", path,
      ". Restart R and attach pyinit before Python is used.",
      class = "pyinit_import_error"
    )
  }
  message(
    "The Python package is in ", path, ", which reticulate created from the declared ",
    "requirements. ",
    if (is_running) {
      "It was already there. To build it again, restart R and call install_pyinit() first."
    } else {
      "library(pyinit) finds it in every session; R need not be restarted."
    }
  )
  invisible(path)
}

report_installed <- function(path, python) {
  message("The Python package is installed in ", path, ". ", next_step(path, python))
  warn_without_keras(path, python)
  invisible(path)
}

# What to do before the package in `path` can be used.
next_step <- function(path, python) {
  if (reticulate::py_available()) {
    # a session has one Python, which keeps the version of a package that it has loaded
    is_in_use <- is_same_python(reticulate::py_config()$python, python)
    if (is_in_use && is.null(session$bridge) && pyinit_available()) {
      return("R need not be restarted.")
    }
    return(paste0("Restart R to use it.", if (!is_in_use) how_to_choose(path, python)))
  }
  found <- reticulate::py_discover_config("keras", c(keras_environment(), keras_environments))
  if (!is.null(found) && is_same_python(found$python, python)) {
    "library(pyinit) finds it in every session."
  } else {
    paste0("It is used only where you choose it.", how_to_choose(path, python))
  }
}

# Whether two files are the Python of the same folder: `python` and `python3` of an environment are.
is_same_python <- function(a, b) {
  identical(normalizePath(dirname(a)), normalizePath(dirname(b)))
}

how_to_choose <- function(path, python) {
  call <- if (nzchar(Sys.getenv("RETICULATE_PYTHON"))) {
    # which takes precedence over the functions of reticulate
    sprintf("Sys.setenv(RETICULATE_PYTHON = \"%s\")", python)
  } else if (dir.exists(file.path(path, "conda-meta"))) {
    sprintf("reticulate::use_condaenv(\"%s\")", path)
  } else {
    sprintf("reticulate::use_virtualenv(\"%s\")", path)
  }
  paste0(" To choose it: ", call, " before library(pyinit)")
}

# Warns users of keras3 if the environment lacks Keras.
warn_without_keras <- function(path, python) {
  if (nzchar(system.file(package = "keras3"))) {
    code <- "import importlib.util, sys; sys.exit(importlib.util.find_spec('keras') is None)"
    if (system2(python, c("-c", shQuote(code))) != 0L) {
      message(
        "Keras is not installed there. To use both: keras3::install_keras(envname = \"", path, "\")"
      )
    }
  }
}

check_method <- function(method) {
  allowed <- c("auto", "virtualenv", "conda")
  if (!is_string(method) || !method %in% allowed) {
    stop_argument("method", method, "\"auto\", \"virtualenv\" or \"conda\"")
  }
  method
}

# Raises an error for options that py_install() would swallow.
check_options <- function(...) {
  installers <- c("py_install", "virtualenv_install", "virtualenv_create", "conda_install")
  arguments <- lapply(installers, function(name) {
    names(formals(getExportedValue("reticulate", name)))
  })
  known <- setdiff(unlist(arguments), c("packages", "envname", "method", "pip", "..."))
  names <- ...names()
  if (length(names) < ...length() || !all(names %in% known)) {
    unknown <- setdiff(c(names, if (length(names) < ...length()) ""), known)[[1L]]
    stop_pyinit(
      "Argument `...` must be options of reticulate::py_install(), by name. Received: ",
      if (nzchar(unknown)) unknown else "a value without a name",
      class = "pyinit_type_error"
    )
  }
}

# Raises an error for options that only py_install() takes.
check_no_options <- function(where, method, ...) {
  if (method != "auto" || ...length() > 0L) {
    stop_pyinit(
      "Arguments `method` and `...` are not used for ", where, ". Name an environment with ",
      "`envname`, or omit them.",
      class = "pyinit_value_error"
    )
  }
}

# Raises an error for a new environment that reticulate would prefer to the environment with Keras
# that it creates itself.
check_envname <- function(envname) {
  if (!is_string(envname) || !nzchar(envname)) {
    stop_argument("envname", envname, "the name or path of an environment, or NULL")
  }
  as_path("envname", envname)
  preferred <- c(keras_environments, "r-reticulate", "r-pyinit")
  if (is_managed() && basename(envname) %in% preferred && is.null(python_of(envname))) {
    stop_argument("envname", envname, paste(
      "NULL, an environment that exists, or another name: reticulate would use a new environment",
      "of this name for all packages, and not find Keras"
    ))
  }
}
