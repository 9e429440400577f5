# Runs R code in a new session with the libraries of this one and returns its output, with the exit
# status as an attribute unless that is 0. It takes seconds, so the test is skipped on CRAN.
run_r <- function(code, env = character()) {
  testthat::skip_on_cran()
  file <- withr::local_tempfile(fileext = ".R", lines = code)
  libraries <- paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep))
  suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"), shQuote(file),
    stdout = TRUE, stderr = TRUE, env = c(libraries, env)
  ))
}
