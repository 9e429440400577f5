# The Python package: finding it, installing it, and its errors as R conditions.

# What the session holds: the Python package and its side of the bridge, once they are imported.
session <- new.env(parent = emptyenv())

# The Python module `pyinit.bridges.r.calls`, imported when it is first needed. Its functions
# return Python objects: what crosses is converted where it is known to convert exactly.
bridge <- function() {
  if (is.null(session$bridge)) {
    if (utils::packageVersion("reticulate") < "1.31") {
      .Call(eval_with_lock, quote(import_python_package()), environment(), reticulate_library())
    } else {
      import_python_package()
    }
  }
  session$bridge
}

# For Python to call before it ends, if R runs inside it.
leave_python <- function() {
  .Call(stop_polling, reticulate_library())
}

reticulate_library <- function() {
  getLoadedDLLs()[["reticulate"]][["path"]]
}

# The Python module `pyinit`.
python_package <- function() {
  bridge()
  session$package
}

import_python_package <- function() {
  tryCatch(
    {
      # the package first: reticulate looks for a Python that has the module of that name
      package <- reticulate::import("pyinit", convert = FALSE)
      found <- reticulate::py_to_r(package$`__version__`)
      bridge <- reticulate::import("pyinit.bridges.r.calls", convert = FALSE)
    },
    error = function(error) {
      stop_pyinit(
        "The Python package of pyinit cannot be used: ", trimws(conditionMessage(error)),
        "\nTo install it: pyinit::install_pyinit()",
        class = "pyinit_import_error"
      )
    }
  )
  expected <- as.character(utils::packageVersion("pyinit"))
  if (!identical(found, expected)) {
    stop_pyinit(
      "The R package pyinit has version ", expected, ", but the Python package that was found has ",
      "version ", found, ". To install the matching one: pyinit::install_pyinit(), then restart R.",
      class = "pyinit_import_error"
    )
  }
  session$package <- package
  session$bridge <- bridge
}

# Evaluates a call of Python; what Python raises becomes an R condition with Python's message.
call_python <- function(expr) {
  # the last error is then one of `expr`, or none if that fails in R
  reticulate::py_clear_last_error()
  tryCatch(expr, error = rethrow)
}

rethrow <- function(error) {
  raised <- reticulate::py_last_error()
  if (is.null(raised) || inherits(error, "pyinit_error")) {
    stop(error)
  }
  message <- raised$value
  class <- kinds[[match(raised$type, names(kinds), nomatch = length(kinds))]]
  if ("pyinit_os_error" %in% class) {
    message <- sub("^\\[Errno [0-9]+\\] ", "", message)
  }
  stop_pyinit(message, class = class)
}

# The classes of the conditions that Python's errors become; the last ones are those of any other.
kinds <- list(
  ValueError = "pyinit_value_error",
  ManifestError = c("pyinit_manifest_error", "pyinit_value_error"),
  DifferenceError = c("pyinit_difference_error", "pyinit_value_error"),
  TypeError = "pyinit_type_error",
  ImportError = "pyinit_import_error",
  OSError = "pyinit_os_error",
  FileExistsError = "pyinit_os_error",
  FileNotFoundError = "pyinit_os_error",
  IsADirectoryError = "pyinit_os_error",
  NotADirectoryError = "pyinit_os_error",
  PermissionError = "pyinit_os_error",
  character()
)

stop_pyinit <- function(..., class = NULL) {
  stop(errorCondition(paste0(...), class = c(class, "pyinit_error")))
}

# The error for a bad argument, in the words of the Python package.
stop_argument <- function(name, received, allowed) {
  stop_pyinit(
    "Argument `", name, "` must be ", allowed, ". Received: ", name, " = ", show_value(received),
    class = "pyinit_value_error"
  )
}

# Stops where `...` of the calling function is not empty: it only keeps names apart.
check_dots_empty <- function(...) {
  if (...length() > 0L) {
    names <- ...names()
    unknown <- if (is.null(names) || !nzchar(names[[1L]])) show_value(..1) else names[[1L]]
    stop_pyinit("Unused argument: ", unknown, class = "pyinit_type_error")
  }
}

# An R value as R code, on one line and not too long, with whole numbers as users type them.
show_value <- function(value) {
  if (inherits(value, c("pyinit_seed", "pyinit_seed_generator"))) {
    return(format(value))
  }
  if (inherits(value, "python.builtin.object")) {
    return(paste0("<", class(value)[[1L]], ">"))
  }
  if (is.integer(value) && !is.object(value)) {
    storage.mode(value) <- "double"
  }
  code <- paste(deparse(value, width.cutoff = 500L, nlines = 4L), collapse = " ")
  if (nchar(code) > 80L) paste0(substr(code, 1L, 77L), "...") else code
}

#' Install the Python package
#'
#' @description
#' `install_pyinit()` installs the Python package that does the work, from the sources that this R
#' package carries, so the two always match. What it needs (NumPy, pyarrow, SciPy, jsonschema) comes
#' from the Python package index.
#'
#' `pyinit_available()` tells whether Python and the Python package are there to be used.
#'
#' @param envname
#' The name or path of the Python environment to install into. `NULL` means the environment of the
#' Python in use; if there is none yet, a virtual environment named `"r-pyinit"`, where reticulate
#' finds it by itself.
#'
#' @param method
#' How: `"auto"`, `"virtualenv"` or `"conda"`.
#'
#' @param ...
#' Passed on to [reticulate::py_install()].
#'
#' @returns
#' `install_pyinit()` returns `NULL`, invisibly. `pyinit_available()` returns `TRUE` or `FALSE`.
#'
#' @export
#' @examples
#' \dontrun{
#' install_pyinit()
#' }
#' pyinit_available()
install_pyinit <- function(envname = NULL, method = "auto", ...) {
  if (is.null(envname) && !reticulate::py_available() && !nzchar(Sys.getenv("RETICULATE_PYTHON"))) {
    envname <- "r-pyinit"
  }
  # pip builds in the folder of the sources, and R's library may be read-only
  folder <- tempfile("pyinit")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  file.copy(system.file("python", package = "pyinit", mustWork = TRUE), folder, recursive = TRUE)
  requirement <- paste0(file.path(folder, "python"), "[arrow,manifest,stft]")
  loaded <- !is.null(session$bridge)
  reticulate::py_install(requirement, envname = envname, method = method, pip = TRUE, ...)
  # a session has one Python, and that has one version of a package
  if (loaded || reticulate::py_available() && !pyinit_available()) {
    message("Restart R to use the Python package that was installed.")
  }
  invisible()
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
