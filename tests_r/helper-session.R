# Runs R code in a session of its own that has the libraries of this one, and returns what it
# prints, with the exit status as an attribute unless that is 0.
run_r <- function(code, env = character()) {
  file <- withr::local_tempfile(fileext = ".R", lines = code)
  libraries <- paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep))
  suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"), shQuote(file),
    stdout = TRUE, stderr = TRUE, env = c(libraries, env)
  ))
}
