# Work in the processes of the user's plan for the package future.

# Whether the user has chosen a plan other than the sequential one.
has_parallel_plan <- function() {
  requireNamespace("future", quietly = TRUE) && !inherits(future::plan(), "sequential")
}

# The results of run(work(1)), ..., run(work(count)), each evaluated in a process of the plan.
#
# `run` is a function of this namespace, and all that it needs is in its argument: a future would
# search its environment for other objects, such as Python's. A value of `work` is created when a
# process is free for it, so memory is bounded. `run` may take the user's function as its second
# argument, `fun`, whose global variables and packages go with it.
#
# `done` is called with the index of each element that is done, `failed` with an index and the
# error. `cancel` is called with the futures that are still running when an error or an interrupt
# ends the call. Conditions that a process signals at once, such as progress, are signalled here.
run_futures <- function(run, count, work, done, failed, fun = NULL, cancel = NULL) {
  results <- vector("list", count)
  workers <- future::nbrOfWorkers()
  running <- list()
  if (!is.null(cancel)) {
    on.exit(if (length(running) > 0L) cancel(lapply(running, `[[`, "future")))
  }
  started <- 0
  while (started < count || length(running) > 0L) {
    if (started < count && length(running) < workers) {
      started <- started + 1
      running[[length(running) + 1L]] <- list(index = started, future = new_future(
        run, work(started), fun
      ))
      next
    }
    is_done <- vapply(running, function(element) future::resolved(element$future), NA)
    if (!any(is_done)) {
      Sys.sleep(0.02)
    }
    for (element in running[is_done]) {
      result <- tryCatch(
        future::value(element$future),
        error = function(error) failed(element$index, error)
      )
      results[element$index] <- list(result)
      done(element$index)
    }
    running <- running[!is_done]
  }
  results
}

# `seed = FALSE`: a warning from future tells the user whose function draws random numbers. The
# names are none of the user's: the global variables of `fun` go to the same place.
new_future <- function(.pyinit_run, .pyinit_work, .pyinit_fun) {
  if (is.null(.pyinit_fun)) {
    globals <- list(.pyinit_run = .pyinit_run, .pyinit_work = .pyinit_work)
    future::future(.pyinit_run(.pyinit_work), globals = globals, seed = FALSE)
  } else {
    future::future(.pyinit_run(.pyinit_work, .pyinit_fun), seed = FALSE)
  }
}

# Raises an error that names where another one occurred, of the same classes.
stop_at <- function(where, error) {
  own <- c("pyinit_error", "simpleError", "error", "condition")
  stop_pyinit(where, ": ", conditionMessage(error), class = setdiff(class(error), own))
}

# Waits until futures have ended, but not for those that nothing can stop.
await_end <- function(futures, seconds = 10) {
  until <- proc.time()[["elapsed"]] + seconds
  while (!all(vapply(futures, future::resolved, NA)) && proc.time()[["elapsed"]] < until) {
    Sys.sleep(0.05)
  }
}
