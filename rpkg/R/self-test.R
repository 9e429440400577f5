# The self-test.

#' Self-test
#'
#' @description
#' Checks that the installed package reproduces the golden vectors to the last bit. These are fixed
#' expected values of the random stream: every initializer and dtype, several seeds, draws, shapes
#' and partitions.
#'
#' @details
#' The vectors are those in the R package. Python draws and compares all of them, as
#' `pyinit.self_test()` does. Small ones are also passed to R, as every array is, and compared there
#' with the numbers that R reads from the file. The test takes a second or two.
#'
#' @param device
#' `"cpu"`, or `"cuda"` or `"cuda:1"` for a GPU, where [initializer_orthogonal()] is left out: its
#' bits differ there.
#'
#' @returns
#' `TRUE` if nothing differs, otherwise `FALSE`: a logical of length 1 and class `pyinit_self_test`,
#' for `if`, `stopifnot()` and `isTRUE()`. `result$passed` is the logical alone. The attributes of
#' the result are elements, too:
#' - `stream_version`: the version of the random stream,
#' - `kernel`: the kernel in use,
#' - `checked`, `checked_in_r`: the number of tensors compared, and compared in R,
#' - `differences`: a data frame with columns `name` and `difference`, with a row for each tensor
#'   that differs; also returned by `as.data.frame()`.
#'
#' `print()` shows the differences.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available()
#' self_test()
#' stopifnot(self_test())
self_test <- function(device = "cpu") {
  device <- plain_argument("device", device)
  folder <- system.file(
    "python", "pyinit", "reproducibility",
    package = "pyinit", mustWork = TRUE
  )
  vectors <- call_python(bridge()$golden_vectors(folder, device))
  found <- value_from_python(bridge()$self_tested(vectors, device))
  in_python <- differences_of(lapply(found$differences, as.character))
  in_r <- keep_unused_random_state(compared_in_r(vectors, device))
  differences <- rbind(in_python, in_r$differences)
  new_self_test(list(
    stream_version = found$stream_version,
    kernel = found$kernel,
    checked = found$checked,
    checked_in_r = in_r$checked,
    differences = differences
  ))
}

new_self_test <- function(details) {
  new_check_result(nrow(details$differences) == 0L, details, "pyinit_self_test")
}

# Compares the vectors whose values are in the file, as R draws and reads them.
compared_in_r <- function(vectors, device) {
  pairs <- list()
  checked <- 0
  for (i in seq_len(length(vectors))) {
    vector <- vectors$`__getitem__`(i - 1L)
    expected <- value_from_python(bridge()$expected(vector))
    if (!is.null(expected$values)) {
      drawn <- draw_array(
        draw_of_vector(vector), expected$shape, expected$dtype,
        expected$partition_shape, expected$partition_offset, device
      )
      checked <- checked + 1
      difference <- difference_in_r(drawn, as.character(expected$values))
      if (!is.null(difference)) {
        pairs[[length(pairs) + 1L]] <- c(expected$name, difference)
      }
    }
  }
  list(checked = checked, differences = differences_of(pairs))
}

# The draw function of a golden vector, which has a draw and a partition of its own.
draw_of_vector <- function(vector) {
  function(shape, dtype, partition_shape, partition_offset, device, address) {
    bridge()$draw_vector(vector, device, address)
  }
}

# How an array differs from values in C order, given in hexadecimal; NULL if it does not.
difference_in_r <- function(drawn, hexadecimal) {
  expected <- as.numeric(hexadecimal)
  found <- as.numeric(if (length(dim(drawn)) > 1L) aperm(drawn) else drawn)
  if (length(found) != length(expected)) {
    return(paste("in R,", length(found), "values instead of", length(expected)))
  }
  # unlike `==`, distinguishes 0 and -0
  same <- mapply(identical, found, expected, MoreArgs = list(num.eq = FALSE))
  if (all(same)) {
    return(NULL)
  }
  first <- which(!same)[[1L]]
  sprintf(
    "in R, %d of %d values; the one at flat index %d is %a, not %s",
    sum(!same), length(same), first - 1L, found[[first]], hexadecimal[[first]]
  )
}

differences_of <- function(pairs) {
  data.frame(
    name = vapply(pairs, `[[`, "", 1L),
    difference = vapply(pairs, `[[`, "", 2L)
  )
}

#' @export
format.pyinit_self_test <- function(x, ...) {
  what <- sprintf("golden vectors of stream version %.0f (%s)", x$stream_version, x$kernel)
  if (isTRUE(x)) {
    return(sprintf(
      "Self-test passed: all %.0f %s, to the last bit, %.0f of them in R too.",
      x$checked, what, x$checked_in_r
    ))
  }
  differences <- x$differences
  paste(
    c(
      sprintf(
        "Self-test FAILED: %d of %.0f %s differ:",
        length(unique(differences$name)), x$checked, what
      ),
      sprintf("  %s: %s", differences$name, differences$difference)
    ),
    collapse = "\n"
  )
}
