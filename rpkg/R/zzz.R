.onLoad <- function(libname, pkgname) {
  if (reticulate::py_available()) {
    if (is_managed_running()) declare_requirement()
    return()
  }
  managed <- is_managed()
  environment <- keras_environment()
  if (managed) {
    declare_requirement()
  }
  # A delayed import makes reticulate prefer an environment that has the module, or the one named
  # here. An environment named after the module would hide the managed one and Keras with it.
  if (!managed || !is.null(environment)) {
    reticulate::import("pyinit", delay_load = list(environment = environment))
  }
}
