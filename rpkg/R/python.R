# The Python package, imported when it is first needed.

# The session's state: the Python package and the functions of the bridge, once they are imported,
# and the manifest that was used last.
session <- new.env(parent = emptyenv())

# The functions of the modules `calls` and `lazy_calls` of `pyinit.bridges.r`, as a list. They
# return Python objects, which are converted only where the conversion is exact.
bridge <- function() {
  if (is.null(session$bridge)) {
    with_reticulate_workarounds(import_python_package())
  }
  session$bridge
}

# Those of the modules for manifests and plots, which are imported when they are first needed.
manifests_bridge <- function() bridge_of("manifest_calls")
plots_bridge <- function() bridge_of("plot_calls")

bridge_of <- function(module) {
  bridge()
  if (is.null(session[[module]])) {
    session[[module]] <- call_python(functions_of(paste0("pyinit.bridges.r.", module)))
  }
  session[[module]]
}

# The Python module `pyinit`.
python_package <- function() {
  bridge()
  session$package
}

import_python_package <- function() {
  if (is_managed() && !reticulate::py_available()) {
    # again: the archive may be gone, or RETICULATE_PYTHON unset, since the package was loaded
    declare_requirement()
    # not by importing a module: reticulate would prefer an environment named after it
    or_import_error(reticulate::py_config())
  }
  # the package first: an older reticulate looks for a Python that has the module of that name
  package <- or_import_error(reticulate::import("pyinit", convert = FALSE))
  found <- or_import_error(reticulate::py_to_r(package$`__version__`))
  expected <- as.character(utils::packageVersion("pyinit"))
  if (!identical(found, expected)) {
    stop_pyinit(
      "The R package pyinit has version ", expected, ", but the Python package that was found has ",
      "version ", found, ". To install the matching one: pyinit::install_pyinit(), then restart R.",
      class = "pyinit_import_error"
    )
  }
  modules <- paste0("pyinit.bridges.r.", c("calls", "lazy_calls"))
  bridge <- or_import_error(unlist(lapply(modules, functions_of)))
  or_import_error(bridge$announce_exit(.Call(python_gone_address)))
  or_import_error(bridge$expect_forks())
  or_import_error(bridge$handle_interrupts())
  session$package <- package
  session$bridge <- bridge
}

or_import_error <- function(expr) {
  tryCatch(expr, error = function(error) {
    stop_pyinit(
      "The Python package of pyinit cannot be used: ", trimws(conditionMessage(error)),
      "\n", if (is_chosen_python_missing()) paste0(how_to_unset, "\n"),
      "To install it: pyinit::install_pyinit()",
      class = "pyinit_import_error"
    )
  })
}

# Whether RETICULATE_PYTHON is set to a file that does not exist.
is_chosen_python_missing <- function() {
  python <- Sys.getenv("RETICULATE_PYTHON", "managed")
  python != "managed" && !file.exists(python)
}

how_to_unset <- paste(
  "Set RETICULATE_PYTHON to a Python that exists, or unset it with",
  "Sys.unsetenv(\"RETICULATE_PYTHON\")."
)

# The public functions of a Python module, by name: looking one up takes longer than calling it.
functions_of <- function(name) {
  module <- reticulate::import(name, convert = FALSE)
  names <- as.character(reticulate::py_to_r(module$`__all__`))
  stats::setNames(lapply(names, function(name) module[[name]]), names)
}

# A Python dict, also of a list without elements, which reticulate would convert to a Python list.
python_dict <- function(values = list()) {
  bridge()
  do.call(reticulate::dict, values)
}
