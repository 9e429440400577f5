# Checks that the resident memory stays flat over many draws: Rscript memory.R COUNT.

library(pyinit)
count <- as.numeric(commandArgs(TRUE)[[1L]])

# The resident memory of this process in MiB.
resident <- function() {
  invisible(gc())
  line <- grep("^VmRSS:", readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) / 1024
}

normal <- initializer_random_normal(seed = random_seed_generator(1))
lazy <- lazy_tensor(initializer_he_normal(seed = 1), c(300, 200))
fails <- function() {
  stopifnot(inherits(try(normal(-1), silent = TRUE), "try-error"))
}
kinds <- list(
  draws = list(count, function() normal(c(16, 16))),
  `draws of integers` = list(count / 10, function() initializer_ones()(4, "int32")),
  slices = list(count / 10, function() lazy[5:9, ]),
  `R to Python and back` = list(count / 10, function() as_r_array(as_numpy(c(1, 2, 3)))),
  `large draws` = list(count / 1000, function() normal(c(512, 512))),
  errors = list(count / 100, fails)
)
failed <- FALSE
for (name in names(kinds)) {
  calls <- max(kinds[[name]][[1L]], 20)
  work <- kinds[[name]][[2L]]
  for (i in seq_len(calls / 10)) work()
  before <- resident()
  for (i in seq_len(calls)) work()
  grown <- resident() - before
  # garbage of large draws, and R's own heap
  failed <- failed || grown > if (name == "large draws") 64 else 8
  cat(sprintf("%s: %.0f calls, %+.1f MiB\n", name, calls, grown))
}
quit(status = failed)
