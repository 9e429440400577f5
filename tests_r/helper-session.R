# The environment variable that gives another session the libraries of this one.
library_variable <- function() {
  paste0("R_LIBS=", paste(.libPaths(), collapse = .Platform$path.sep))
}

# Runs R code in a new session in the background. Its function say() writes a line to the file
# `log`. Returns a function that waits for a line with a start and returns it.
start_r <- function(code, log, frame = parent.frame()) {
  code <- c(
    sprintf("log <- '%s'", log),
    "say <- function(...) cat(..., '\\n', file = log, append = TRUE)",
    code
  )
  script <- withr::local_tempfile(fileext = ".R", lines = code, .local_envir = frame)
  printed <- withr::local_tempfile(.local_envir = frame)
  system2(
    file.path(R.home("bin"), "Rscript"), shQuote(script),
    stdout = printed, stderr = printed, wait = FALSE, env = library_variable()
  )
  function(start, seconds = 300) {
    until <- Sys.time() + seconds
    while (Sys.time() < until) {
      lines <- complete_lines(log)
      found <- lines[startsWith(lines, start)]
      if (length(found) > 0L) {
        return(found[[1L]])
      }
      Sys.sleep(0.05)
    }
    stop("not said: ", start, "\n", paste(c(lines, readLines(printed)), collapse = "\n"))
  }
}

# The lines of a file that another process may be writing to.
complete_lines <- function(file) {
  if (!file.exists(file)) {
    return(character())
  }
  content <- readChar(file, file.size(file), useBytes = TRUE)
  trimws(strsplit(sub("[^\n]*$", "", content), "\n", fixed = TRUE)[[1L]])
}

# Runs R code in a new session with the libraries of this one and returns its output, with the exit
# status as an attribute unless that is 0. It takes seconds, so the test is skipped on CRAN. After
# half an hour the session and its processes are killed, and the status is 124.
run_r <- function(code, env = character()) {
  testthat::skip_on_cran()
  file <- withr::local_tempfile(fileext = ".R", lines = code)
  suppressWarnings(system2(
    file.path(R.home("bin"), "Rscript"), shQuote(file),
    stdout = TRUE, stderr = TRUE, env = c(library_variable(), env), timeout = 1800
  ))
}
