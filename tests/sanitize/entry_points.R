# Runs the routines of the R package's C code while R collects garbage at every STEP-th allocation:
# Rscript entry_points.R STEP.

library(pyinit)
package <- asNamespace("pyinit")
numpy <- reticulate::import("numpy", convert = FALSE)
pyarrow <- reticulate::import("pyarrow", convert = FALSE)

step <- as.integer(commandArgs(TRUE)[[1L]])

# Evaluates an expression with frequent collections.
tortured <- function(expr) {
  gctorture2(step)
  on.exit(gctorture2(0L))
  expr
}
fails <- function(expr) stopifnot(inherits(try(expr, silent = TRUE), "try-error"))
call <- function(name, ...) .Call(package[[name]], ...)

# From Python to R: an array is moved into the transfer first, which takes many allocations.
import <- function(array, shape, shared) {
  transfer <- call("new_arrow_transfer", 0)
  moved <- package$bridge()$send_array(array, transfer$address)
  tortured({
    x <- call("import_array", transfer$pointer, shape, shared)
    fails(call("import_array", transfer$pointer, shape, shared))
    x
  })
}
arrays <- list(
  list(numpy$arange(6)$astype("float64"), c(2L, 3L), as.double(0:5)),
  list(numpy$arange(6L)$astype("int32"), c(2L, 3L), 0:5),
  list(numpy$array(c(TRUE, FALSE, TRUE)), 3L, c(TRUE, FALSE, TRUE)),
  list(pyarrow$array(list(TRUE, FALSE, TRUE)), 3L, c(TRUE, FALSE, TRUE)),
  list(numpy$zeros(0L), 0L, double())
)
for (shared in c(TRUE, FALSE)) {
  for (case in arrays) {
    x <- import(case[[1L]], case[[2L]], shared)
    stopifnot(identical(x, array(case[[3L]], case[[2L]])))
    tortured({
      copy <- x
      if (length(x) > 0L) copy[1L] <- copy[1L]
      sent <- call("export_array", x)
      restored <- unserialize(serialize(x, NULL))
      call("values_address", x)
      stopifnot(identical(copy, x), identical(restored, x))
    })
    fails(import(case[[1L]], c(7L, 7L), shared))
  }
}

# From R to Python, and errors.
for (x in list(c(1, 2), 1:3, c(TRUE, NA), double(), matrix(0, 2, 2))) {
  tortured({
    sent <- call("export_array", x)
    stopifnot(nzchar(call("array_address", sent$pointer)))
    received <- call("import_array", sent$pointer, NULL, TRUE)
    stopifnot(identical(received, as.vector(x) + 0L))
  })
}
tortured({
  for (bad in list("a", NULL, list(1), 1i, mean)) fails(call("export_array", bad))
  for (bad in list(NULL, 1, methods::new("externalptr"), globalenv())) {
    fails(call("import_array", bad, NULL, FALSE))
    fails(call("array_address", bad))
  }
  fails(call("import_array", call("new_arrow_transfer", 1e15)$pointer, NULL, FALSE))
  unsaved <- call("new_unsaved", list(1))
  stopifnot(identical(call("unsaved_object", unsaved), list(1)))
  stopifnot(is.null(call("unsaved_object", unserialize(serialize(unsaved, NULL)))))
  stopifnot(is.null(call("unsaved_object", 1:3)), nzchar(call("python_gone_address")))
})

# Whole calls, which allocate much in reticulate.
invisible(gctorture2(100L * step))
initializer <- initializer_random_normal(seed = 1)
drawn <- initializer(c(3, 4))
back <- as_r_array(as_numpy(drawn))
back[1, 1] <- 5
fails(initializer(-1))
invisible(gctorture2(0L))
stopifnot(identical(drawn, initializer(c(3, 4))), back[1, 1] == 5)
invisible(gc())
cat("all routines ran\n")
