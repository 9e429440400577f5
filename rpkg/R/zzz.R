.onLoad <- function(libname, pkgname) {
  # A delayed import is a hint: if another package starts Python, reticulate chooses one that has
  # the module.
  if (!reticulate::py_available()) {
    reticulate::import("pyinit", delay_load = TRUE)
  }
  # reticulate 1.41 and later create an environment with these packages unless a Python was chosen
  if ("py_require" %in% getNamespaceExports("reticulate")) {
    needed <- c("numpy", "ml_dtypes", "pyarrow", "scipy", "jsonschema")
    getExportedValue("reticulate", "py_require")(needed)
  }
}
