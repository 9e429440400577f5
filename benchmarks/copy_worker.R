# One R process of a comparison of two copies of pyinit: the R counterpart of copy_worker.py, with
# the same requests and answers. The first line of the output names the rows, separated by tabs.

classes <- list(
  glorot_uniform = list(seed = 1), he_normal = list(seed = 1), random_normal = list(seed = 1),
  zeros = list()
)

rows <- list()
for (name in names(classes)) {
  local({
    factory <- getExportedValue("pyinit", paste0("initializer_", name))
    arguments <- classes[[name]]
    construct <- if (length(arguments)) function() factory(seed = 1) else function() factory()
    title <- paste0("R, ", name)
    rows[[paste0(title, ": construct")]] <<- function() construct
    rows[[paste0(title, ": construct, call c(64, 64)")]] <<- function() {
      function() construct()(c(64, 64))
    }
    rows[[paste0(title, ": call c(64, 64)")]] <<- function() {
      initializer <- construct()
      function() initializer(c(64, 64))
    }
  })
}
rows[["R, random_normal: partition c(8, 64)"]] <- function() {
  initializer <- pyinit::initializer_random_normal(seed = 1)
  function() {
    initializer(c(64, 64), partition_shape = c(8, 64), partition_offset = c(16, 0))
  }
}
rows[["R, random_normal: call c(2048, 2048)"]] <- function() {
  initializer <- pyinit::initializer_random_normal(seed = 1)
  function() initializer(c(2048, 2048))
}

# The seconds of one call, the mean of a loop.
seconds_of <- function(call, loops) {
  gc(verbose = FALSE)
  start <- as.numeric(Sys.time())
  for (loop in seq_len(loops)) call()
  (as.numeric(Sys.time()) - start) / loops
}

answer <- function(...) {
  cat(..., "\n", sep = "")
  flush(stdout())
}

# Start Python before the first line of output.
invisible(pyinit::initializer_zeros()(2))
answer("rows\t", paste(names(rows), collapse = "\t"))
requests <- file("stdin", "r")
name <- ""
while (length(line <- readLines(requests, 1L))) {
  request <- strsplit(line, "\t", fixed = TRUE)[[1]]
  tryCatch(
    {
      if (request[1] != name) {
        call <- NULL
        call <- rows[[request[1]]]()
        name <- request[1]
        call()
      }
      call()
      answer(format(seconds_of(call, as.integer(request[2])), digits = 15))
    },
    error = function(error) {
      answer("error\t", gsub("\n", " ", conditionMessage(error), fixed = TRUE))
    }
  )
}
