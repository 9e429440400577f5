# Prints the versions of everything that runs the R package here, for the table in docs/platforms.md.

of_r <- function(package) {
  if (requireNamespace(package, quietly = TRUE)) paste(package, packageVersion(package))
}
of_python <- function(module) {
  paste(module, reticulate::py_to_r(reticulate::import(module)$`__version__`))
}
cat(
  paste("R", getRversion()),
  unlist(lapply(c("reticulate", "arrow", "nanoarrow"), of_r)),
  paste("Python", reticulate::py_to_r(reticulate::import("platform")$python_version())),
  unlist(lapply(c("numpy", "pyarrow", "keras"), of_python)),
  sep = ", "
)
