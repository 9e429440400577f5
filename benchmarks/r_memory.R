# Peak memory of one large array in a fresh process.
#
# Usage: Rscript r_memory.R RESPONSE SIDE METHOD
# Writes `peak_bytes`, in addition to the memory in use before, to the JSON file RESPONSE.

arguments <- commandArgs(trailingOnly = TRUE)
response_file <- arguments[1]
side <- as.numeric(arguments[2])
draws <- list(
  "R: pyinit" = function(rows, columns) {
    pyinit::initializer_random_normal(seed = 1)(c(rows, columns))
  },
  "R: rnorm" = function(rows, columns) rnorm(rows * columns, 0, 0.05)
)
draw <- draws[[arguments[3]]]

# A line of /proc/self/status, in bytes.
status <- function(name) {
  lines <- readLines("/proc/self/status")
  1024 * as.numeric(gsub("[^0-9]", "", grep(paste0("^", name, ":"), lines, value = TRUE)))
}

invisible(draw(512, 512))
invisible(gc())
writeLines("5", "/proc/self/clear_refs") # resets the peak
before <- status("VmRSS")
x <- draw(side, side)
stopifnot(x[1] != x[length(x)])
peak <- status("VmHWM")
writeLines(jsonlite::toJSON(list(peak_bytes = peak - before), auto_unbox = TRUE), response_file)
