.onLoad <- function(libname, pkgname) {
  # Only a wish, for when another package starts Python: a Python that has the module.
  if (!reticulate::py_available()) {
    reticulate::import("pyinit", delay_load = TRUE)
  }
  # reticulate 1.41 and later make an environment for the session from such wishes, where no other
  # Python was chosen
  if ("py_require" %in% getNamespaceExports("reticulate")) {
    needed <- c("numpy", "ml_dtypes", "pyarrow", "scipy", "jsonschema")
    getExportedValue("reticulate", "py_require")(needed)
  }
}
