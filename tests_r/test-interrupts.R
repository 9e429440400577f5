# Ctrl-C: a real SIGINT to a real R process. tests/runtime/test_interrupts.py tests the sizes of the
# steps between which Python handles signals.

# Each case would take minutes, in little memory.
# Each is one long call, not many short ones: an interrupt that arrives while reticulate before 1.37
# converts values between R and Python can crash R.
long_work <- list(
  draw = "bounded(c(2^14, 2^14), 'float64')",
  orthogonal = "initializer_orthogonal(seed = 1)(c(9000, 9000))",
  delta_orthogonal = "initializer_delta_orthogonal(seed = 1)(c(1, 9000, 9000))",
  stft = "fingerprint(initializer_stft(), c(2^18, 1, 2^18 + 1))",
  ones = "fingerprint(initializer_ones(), c(2^20, 2^20))",
  fingerprint = "fingerprint(normal, c(2^20, 2^20))",
  map_partitions = "map_partitions(bounded, c(2^20, 2^20), 'float64', fun = length, rows = 128)",
  create_manifest = "create_manifest(plan(2^20), seed = 1, max_bytes = 2^50)",
  verify = "verify(manifest)",
  materialize = "materialize(manifest, tempfile(fileext = '.safetensors'))"
)

test_that("an interrupt ends a long call, and the session continues", {
  # protects: Ctrl-C in R, which raises an interrupt condition and no error
  skip_on_os("windows")
  skip_on_cran()
  log <- withr::local_tempfile()
  said <- start_r(log = log, code = c(
    "library(pyinit)",
    "set_num_threads(1)",
    "normal <- initializer_he_normal(seed = 1)",
    "bounded <- initializer_truncated_normal(seed = 1, lower = -3)",
    "plan <- function(n) list(list(name = 'x', shape = c(n, 2^20), initializer = normal))",
    "file <- tempfile(fileext = '.json')",
    "write_manifest(create_manifest(plan(1), seed = 1), file)",
    # with a wrong fingerprint
    "writeLines(sub('[1, ', '[1024, ', readLines(file), fixed = TRUE), file)",
    "manifest <- read_manifest(file)",
    "say('pid', Sys.getpid())",
    sprintf(
      paste0(
        "result <- tryCatch({say('started %1$s'); %2$s}, interrupt = function(condition) ",
        "'interrupted', error = conditionMessage); say(as.character(result)[[1]], '%1$s')"
      ),
      names(long_work), unlist(long_work)
    ),
    "say('sum', signif(sum(normal(c(2, 2))), 5))"
  ))
  pid <- as.integer(sub("pid ", "", said("pid ")))
  withr::defer(tools::pskill(pid, tools::SIGKILL))
  for (name in names(long_work)) {
    said(paste("started", name))
    Sys.sleep(0.2)
    tools::pskill(pid, tools::SIGINT)
    expect_identical(said(paste("interrupted", name)), paste("interrupted", name))
  }
  sum <- signif(sum(initializer_he_normal(seed = 1)(c(2, 2))), 5)
  expect_identical(said("sum "), paste("sum", sum))
})

test_that("interrupts do not crash R", {
  # protects: Ctrl-C with reticulate before 1.37, whose signal handler calls R
  skip_on_os("windows")
  skip_on_cran()
  log <- withr::local_tempfile()
  said <- start_r(log = log, code = c(
    "library(pyinit)",
    "initializer_ones()(1)",
    "python <- c(",
    "  'import time',",
    "  'def busy():',",
    "  '    end = time.time() + 60',",
    "  '    while time.time() < end:',",
    "  '        sum(range(1000))'",
    ")",
    "busy <- reticulate::py_run_string(paste(python, collapse = '\n'))$busy",
    "say('pid', Sys.getpid())",
    "for (k in 1:60) {",
    "  result <- tryCatch(",
    "    {say('started', k, '.'); busy()}, interrupt = function(condition) 'interrupted'",
    "  )",
    "  say(result, k, '.')",
    "}"
  ))
  pid <- as.integer(sub("pid ", "", said("pid ")))
  withr::defer(tools::pskill(pid, tools::SIGKILL))
  for (k in 1:60) {
    said(paste("started", k, "."))
    Sys.sleep(0.02)
    tools::pskill(pid, tools::SIGINT)
    expect_identical(said(paste("interrupted", k, ".")), paste("interrupted", k, "."))
  }
})
