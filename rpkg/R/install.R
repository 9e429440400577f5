# Installing the Python package.

#' Install the Python package
#'
#' @description
#' `install_pyinit()` installs the Python package from the sources included in this R package, so
#' the two always match. Its dependencies (NumPy, pyarrow, SciPy, jsonschema) come from the Python
#' package index.
#'
#' `pyinit_available()` checks whether Python and the Python package can be used.
#'
#' @param envname
#' The name or path of the Python environment to install into. `NULL` means the environment of the
#' Python in use, or else a virtual environment named `"r-pyinit"`, which reticulate finds
#' automatically.
#'
#' @param method
#' The type of environment: `"auto"`, `"virtualenv"` or `"conda"`.
#'
#' @param ...
#' Passed to [reticulate::py_install()].
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
  # a copy, since pip builds in the folder of the sources and R's library may be read-only
  folder <- tempfile("pyinit")
  dir.create(folder)
  on.exit(unlink(folder, recursive = TRUE))
  file.copy(system.file("python", package = "pyinit", mustWork = TRUE), folder, recursive = TRUE)
  requirement <- paste0(file.path(folder, "python"), "[arrow,manifest,stft]")
  loaded <- !is.null(session$bridge)
  reticulate::py_install(requirement, envname = envname, method = method, pip = TRUE, ...)
  # a session has one Python, which keeps the version of a package that it has loaded
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
