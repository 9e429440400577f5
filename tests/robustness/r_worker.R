# A process that makes calls of the table and writes a line for each: Rscript r_worker.R FOLDER PLAN
# RESULTS. PLAN is a file with the calls, saved by run_calls(). A line is written before a call, so
# that the parent knows which call has not returned.

arguments <- commandArgs(TRUE)
suppressMessages(library(pyinit))
source(file.path(arguments[[1L]], "r_oracle.R"))
plan <- readRDS(arguments[[2L]])
results <- file(arguments[[3L]], "a")
report <- function(...) {
  cat(..., sep = "\t", file = results)
  cat("\n", file = results)
  flush(results)
}

# What the expressions of values and calls may use.
folder <- tempfile("calls")
dir.create(folder)
setwd(folder)
# where reticulate would create an environment
Sys.setenv(WORKON_HOME = file.path(folder, "environments"))
count <- 0L
new_path <- function(end = "") {
  count <<- count + 1L
  file.path(folder, sprintf("new-%d%s", count, end))
}
weight <- list(list(name = "a", shape = 2, initializer = "zeros"))
manifest <- create_manifest(weight)
shards <- list(
  create_manifest(weight, seed = 1, shard = "1/2"), create_manifest(weight, seed = 1, shard = "2/2")
)
manifest_path <- file.path(folder, "manifest.json")
write_manifest(manifest, manifest_path)
he <- initializer_he_normal(seed = 1)
array_initializer <- get_initializer(matrix(c(1, 2, 3, 4, 5, 6), 2))
lazy <- lazy_tensor(he, c(2, 3))
delayedAssign("model", {
  keras <- reticulate::import("keras", convert = FALSE)
  invisible(keras$Sequential(list(keras$layers$Input(list(2L)), keras$layers$Dense(3L))))
})
user <- environment()

# Values that take long to make are made once. Others are made for each call: 1:1e9 takes no memory
# as long as no call has looked at its elements.
slow_values <- list()
value_of <- function(code) {
  if (is.null(slow_values[[code]])) {
    seconds <- system.time(value <- eval(str2lang(code), user), gcFirst = FALSE)[["elapsed"]]
    if (seconds < 0.002) {
      return(value)
    }
    slow_values[[code]] <<- value
  }
  slow_values[[code]]
}

restore <- function() {
  set_floatx("float32")
  set_default_device("cpu")
  set_num_threads(NULL)
  unlink(setdiff(list.files(folder, full.names = TRUE), manifest_path), recursive = TRUE)
  if (!file.exists(manifest_path)) write_manifest(manifest, manifest_path)
}

names_argument <- function(message, argument, named) {
  shown <- sprintf("Argument `%s", c(argument, sprintf("target[[\"%s\"]]", argument)))
  any(vapply(c(shown, named), grepl, NA, message, fixed = TRUE))
}

# A message about a file, with its path.
names_path <- function(message, value) {
  path <- if (inherits(value, "python.builtin.str")) reticulate::py_to_r(value) else value
  if (is.list(path) && !is.object(path) && length(path) <= 2L && all(vapply(path, is_text, NA))) {
    path <- unlist(path)
  }
  if (!is.character(path) || length(path) > 2L) {
    return(FALSE)
  }
  path <- unclass(path)
  if (anyNA(path) || !all(validEnc(path)) || any(Encoding(path) == "bytes") ||
    !isTRUE(nzchar(path[1L]) && nchar(path[1L], "bytes") < 300L)) {
    return(FALSE)
  }
  # each call has another new path
  path <- sub("new-[0-9]+", "new-", enc2utf8(as.vector(path))[[1L]])
  grepl(path, sub("new-[0-9]+", "new-", message), fixed = TRUE) &&
    !grepl("Argument", message, fixed = TRUE)
}

# Why a rejection is unclear; NULL if it is clear.
fault_of <- function(error, entry, argument, value) {
  message <- enc2utf8(conditionMessage(error))
  head <- conditionCall(error)[[1L]]
  text <- sub("Received: .*", "", message)
  if (!inherits(error, "pyinit_error")) {
    paste("class", class(error)[[1L]])
  } else if (names_path(message, value) ||
    grepl("raise it with `max_bytes`|^not a manifest", message)) {
    NULL
  } else if (!names_argument(message, argument, entry$named[[argument]])) {
    "does not name the argument"
  } else if (!grepl("Received: ", message, fixed = TRUE)) {
    "does not show the value"
  } else if (grepl("Traceback|Error\\b|object at 0x|\\*\\*", message)) {
    "in the notation of Python"
  } else if (grepl("(?<!')\\b(None|True|False|dict|tuple|bool)\\b", text, perl = TRUE)) {
    "in the notation of Python"
  } else if (has_controls(sub("\n", "", message, fixed = TRUE))) {
    "with invisible characters"
  } else if (nchar(message) > 600L) {
    "too long"
  } else if (is.null(entry$code) && !identical(as.character(head), entry$name)) {
    "the call is not the user's"
  }
}

# A result in a form that can be compared.
comparable <- function(value) {
  if (inherits(value, "pyinit_lazy_tensor")) {
    return(list(format(value), dim(value)))
  }
  if (inherits(value, "python.builtin.object")) {
    return(reticulate::py_repr(value))
  }
  if (is.object(value)) sub("name = .*", "", format(value)) else value
}

run <- function(code) {
  set.seed(1)
  setTimeLimit(elapsed = plan$seconds, transient = TRUE)
  on.exit(setTimeLimit())
  tryCatch(
    {
      value <- suppressWarnings(suppressMessages(eval(str2lang(code), user)))
      list(value = value)
    },
    error = function(error) list(error = error)
  )
}

result_of_call <- function(call) {
  value <- value_of(call$value)
  allowed <- judge(call$kind, value)
  if (allowed == "skip") {
    return(NULL)
  }
  started <- proc.time()[["elapsed"]]
  result <- run(call$code)
  seconds <- proc.time()[["elapsed"]] - started
  if (seconds > plan$seconds) {
    return(c("hanging", sprintf("%.0f s", seconds)))
  }
  if (is.null(result$error)) {
    suppressWarnings(restore())
    if (allowed == "no") {
      return(c("accepted wrongly", paste(deparse(comparable(result$value))[[1L]])))
    }
    return(c("accepted", ""))
  }
  message <- conditionMessage(result$error)
  if (allowed == "yes" && !call$entry$always_fails) {
    return(c("rejected wrongly", message))
  }
  fault <- fault_of(result$error, call$entry, call$argument, value)
  if (is.null(fault)) {
    c("rejected", message)
  } else {
    c("rejected unclearly", paste0(fault, ": ", message))
  }
}

if (any(vapply(plan$calls, function(call) call$entry$name == "initialize_model", NA))) {
  # importing Keras takes longer than a call may
  invisible(model)
}
for (index in plan$from:length(plan$calls)) {
  call <- plan$calls[[index]]
  report(index, "started", "")
  found <- result_of_call(call)
  found <- if (is.null(found)) c("skipped", "") else found
  text <- iconv(found[[2L]], "UTF-8", "UTF-8", sub = "byte")
  text <- substr(gsub("[[:cntrl:]]", " ", text), 1L, 300L)
  report(index, found[[1L]], text)
}
close(results)
quit(status = 0)
