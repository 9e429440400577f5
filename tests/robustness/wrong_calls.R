# The table of wrong calls in R: every argument of every exported function with every value of
# values.json and r_values.json in turn, the other arguments valid. See README.md.
#
# Usage: Rscript tests/robustness/wrong_calls.R [--write] [NAME...]
#   --write   write the counts to docs/robustness.md
#   NAME      only the functions with these names

# All calls, in an order that is the same everywhere.
calls_of <- function(table, only = NULL) {
  entries <- functions_to_call(table)
  if (length(only) > 0L) {
    entries <- entries[only]
  }
  calls <- lapply(entries, function(entry) {
    lapply(names(entry$kinds), function(argument) {
      lapply(unname(table$values), function(value) {
        list(
          entry = entry[c("name", "code", "named", "always_fails")], argument = argument,
          value = value, kind = table$kinds[[entry$kinds[[argument]]]],
          code = code_of_call(entry, argument, value)
        )
      })
    })
  })
  unlist(unlist(unname(calls), recursive = FALSE), recursive = FALSE)
}

# Makes the calls in a process with a limit of memory, and in a new one after each that has hung or
# crashed. Returns a data frame with a row for each call.
run_calls <- function(folder, calls, seconds = 20) {
  plan <- tempfile(fileext = ".rds")
  results <- tempfile(fileext = ".tsv")
  on.exit(unlink(c(plan, results)))
  file.create(results)
  from <- 1L
  while (from <= length(calls)) {
    saveRDS(list(calls = calls, from = from, seconds = seconds), plan, compress = FALSE)
    status <- run_worker(folder, plan, results, seconds + 15)
    done <- read_results(results)
    last <- max(0L, done$index)
    if (last < from) {
      stop("the worker has not started: status ", status)
    }
    if (done$result[done$index == last] == "started") {
      result <- if (status == 124L) "hanging" else "crashing"
      cat(last, result, sprintf("status %d\n", status), sep = "\t", file = results, append = TRUE)
    }
    from <- last + 1L
  }
  done <- read_results(results)
  done$code <- vapply(calls[done$index], `[[`, "", "code")
  done$name <- vapply(calls[done$index], function(call) call$entry$name, "")
  done$argument <- vapply(calls[done$index], `[[`, "", "argument")
  done[done$result != "skipped", ]
}

# Runs a worker until it has ended, or has not returned from a call within a time. Returns its
# status, 124 if it was stopped.
run_worker <- function(folder, plan, results, seconds) {
  log <- tempfile()
  on.exit(unlink(log))
  command <- sprintf(
    "ulimit -v %.0f 2>/dev/null; exec %s %s %s %s %s >%s 2>&1",
    8 * 2^20, shQuote(file.path(R.home("bin"), "Rscript")),
    shQuote(file.path(folder, "r_worker.R")), shQuote(folder), shQuote(plan), shQuote(results),
    shQuote(log)
  )
  status <- tempfile()
  pid <- tempfile()
  on.exit(unlink(c(status, pid)), add = TRUE)
  system(sprintf(
    "(sh -c %s; echo $? >%s) </dev/null >/dev/null 2>&1 &",
    shQuote(sprintf("echo $$ >%s; %s", pid, command)), status
  ))
  begun <- file.size(results)
  size <- -1
  since <- proc.time()[["elapsed"]]
  repeat {
    Sys.sleep(0.1)
    code <- if (file.exists(status)) readLines(status, warn = FALSE)
    if (length(code) == 1L) {
      if (code != "0") {
        message(paste(utils::tail(readLines(log, warn = FALSE), 5L), collapse = "\n"))
      }
      return(as.integer(code))
    }
    if (file.size(results) != size) {
      size <- file.size(results)
      since <- proc.time()[["elapsed"]]
    } else if (proc.time()[["elapsed"]] - since > if (size > begun) seconds else 300) {
      tools::pskill(as.integer(readLines(pid, warn = FALSE)), tools::SIGKILL)
      return(124L)
    }
  }
}

# The last line of each call.
read_results <- function(file) {
  lines <- strsplit(readLines(file, encoding = "UTF-8"), "\t", fixed = TRUE)
  found <- data.frame(
    index = as.integer(vapply(lines, `[[`, "", 1L)), result = vapply(lines, `[[`, "", 2L),
    text = vapply(lines, function(line) paste(line[-(1:2)], collapse = " "), "")
  )
  found[!duplicated(found$index, fromLast = TRUE), ]
}

results <- c(
  "accepted", "rejected", "rejected unclearly", "rejected wrongly", "accepted wrongly", "hanging",
  "crashing"
)

# Every n-th call, for each argument another part of the values.
sample_of <- function(calls, n) {
  arguments <- vapply(calls, function(call) paste(call$entry$name, call$argument), "")
  place <- stats::ave(seq_along(calls), arguments, FUN = seq_along)
  calls[(place + match(arguments, unique(arguments))) %% n == 0]
}

# Writes the counts into the page.
write_counts <- function(page, found) {
  counts <- table(factor(found$result, results))
  lines <- c(
    "| result | calls |", "|---|---|",
    sprintf("| %s | %s |", results, format(as.vector(counts), big.mark = ",", trim = TRUE))
  )
  text <- readLines(page, encoding = "UTF-8")
  first <- match("<!-- R: written by the run -->", text)
  last <- match("<!-- end of R -->", text)
  writeLines(c(text[seq_len(first)], lines, text[last:length(text)]), page, useBytes = TRUE)
}

if (sys.nframe() == 0L) {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(), value = TRUE))
  folder <- dirname(normalizePath(script))
  source(file.path(folder, "r_oracle.R"))
  only <- setdiff(commandArgs(TRUE), "--write")
  found <- run_calls(folder, calls_of(read_table(folder), only))
  print(table(factor(found$result, results)))
  wrong <- found[!found$result %in% c("accepted", "rejected"), ]
  cat(sprintf("%s: %s: %s\n", wrong$result, wrong$code, wrong$text), sep = "")
  if ("--write" %in% commandArgs(TRUE)) {
    write_counts(file.path(folder, "..", "..", "docs", "robustness.md"), found)
  }
}
