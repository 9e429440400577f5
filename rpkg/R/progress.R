# Progress reporting.

# Calls `run` with a progress function for Python, or with NULL.
#
# `progress` is the user's function of the bytes done and the total. NULL shows a progress bar in an
# interactive session.
with_progress <- function(progress, run) {
  with_r_progress(progress, function(show) run(if (!is.null(show)) for_python(show)))
}

# The same with a function that R calls.
with_r_progress <- function(progress, run) {
  if (is.null(progress)) {
    if (!interactive()) {
      return(run(NULL))
    }
    bar <- progress_bar()
    on.exit(bar$close())
    return(run(bar$show))
  }
  if (is_python_object(progress) && is_callable(progress)) {
    return(run(progress))
  }
  if (!is.function(progress) || is.object(progress) || !takes_arguments(progress, 2L)) {
    stop_argument("progress", progress, "a function of two numbers, or NULL")
  }
  run_with_function(progress, run)
}

run_with_function <- function(progress, run) {
  failed <- NULL
  show <- function(done, total) {
    tryCatch(progress(done, total), error = function(error) {
      failed <<- error
      stop(error)
    })
    NULL
  }
  # the error of the user's function rather than Python's version of it
  tryCatch(
    run(show),
    error = function(error) stop(if (is.null(failed)) error else failed)
  )
}

is_callable <- function(object) {
  reticulate::py_to_r(reticulate::import_builtins(convert = FALSE)$callable(object))
}

# The function as a Python function, which is called with R numbers. If the user interrupts it, it
# returns "interrupt", and Python stops: R would jump over Python's frames, and crash later.
for_python <- function(show) {
  bridge()
  interruptible <- function(done, total) {
    tryCatch(
      {
        show(done, total)
        NULL
      },
      interrupt = function(condition) "interrupt"
    )
  }
  reticulate::r_to_py(interruptible, convert = TRUE)
}

# A progress bar that appears after `after` seconds.
progress_bar <- function(after = 2) {
  started <- proc.time()[["elapsed"]]
  bar <- NULL
  list(
    show = function(done, total) {
      if (is.null(bar) && proc.time()[["elapsed"]] - started >= after) {
        bar <<- utils::txtProgressBar(max = total, style = 3)
      }
      if (!is.null(bar)) {
        utils::setTxtProgressBar(bar, done)
      }
      NULL
    },
    close = function() {
      if (!is.null(bar)) close(bar)
    }
  )
}
