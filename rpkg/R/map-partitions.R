# Functions of tensors that are larger than memory.

#' Apply a function to a tensor, some rows at a time
#'
#' @description
#' `map_partitions()` computes a tensor a number of rows at a time and applies a function to each of
#' these partitions. The tensor may be larger than memory: only one partition is in use at a time.
#'
#' With a plan of the future package, such as `future::plan(future::multisession)`, the processes of
#' the plan compute the partitions and apply the function, one partition in each process at a time.
#' The results are the same.
#'
#' @details
#' A row consists of all elements with the same first index. A tensor whose elements depend on each
#' other, such as one of [initializer_orthogonal()], is computed whole, once; processes receive the
#' values of their partitions.
#'
#' The variables and packages that `fun` uses are exported to the processes as by
#' `future::future()`. If `fun` draws from R's random number generator in these processes, future
#' warns, since the results then depend on the processes.
#'
#' An error in `fun` or an interrupt ends the call, and no further partition is started. The error
#' message names the rows of the partition.
#'
#' @param initializer
#' An initializer, see [pyinit_initializer], or a [lazy_tensor()].
#'
#' @param shape
#' For an initializer, the dimensions of the tensor, at least one. With a seed generator, the
#' initializer takes one draw. `NULL` for a lazy tensor.
#'
#' @param dtype
#' For an initializer, the name of the dtype; `NULL` means [floatx()]. `NULL` for a lazy tensor.
#'
#' @param ...
#' Not used. Later arguments must be named.
#'
#' @param fun
#' A function of a partition, an R array with as many dimensions as the tensor. If it has an
#' argument `first_row`, it also receives the number of the partition's first row, by name.
#'
#' @param rows
#' The number of rows in a partition; the last one may have fewer. `NULL` means as many as fit into
#' 2^23 elements (64 MiB), but at least one.
#'
#' @param progress
#' A function of the number of bytes done and the total, called after each partition. With `NULL`,
#' an interactive session shows a progress bar after two seconds.
#'
#' @returns
#' A list with the results of `fun`, in the order of the rows.
#'
#' @export
#' @seealso
#' [lazy_tensor()] for single parts, [materialize()] for files.
#' @examplesIf pyinit_available()
#' weights <- lazy_tensor(initializer_he_normal(seed = 1), shape = c(1000, 50))
#' sums <- map_partitions(weights, fun = colSums, rows = 300)
#' length(sums)
#' all.equal(Reduce(`+`, sums), colSums(as.array(weights)))
#'
#' # The numbers of the rows with the largest values:
#' largest <- function(part, first_row) first_row - 1 + which.max(apply(part, 1, max))
#' map_partitions(initializer_he_normal(seed = 1), c(1000, 50), fun = largest, rows = 500)
map_partitions <- function(initializer, shape = NULL, dtype = NULL, ..., fun, rows = NULL,
                           progress = NULL) {
  check_dots_empty(...)
  if (missing(fun)) {
    stop_pyinit(
      "Argument `fun` must be a function, given by name, as in map_partitions(x, fun = colSums)",
      class = "pyinit_type_error"
    )
  }
  check_given()
  check_partition_function(fun)
  rows <- plain_argument("rows", rows)
  if (!is.null(rows) && !is_count(rows)) {
    stop_argument("rows", rows, "NULL or a positive whole number")
  }
  x <- tensor_with_rows(initializer, shape, dtype)
  sizes <- lazy_state(x)$shape
  if (is.null(rows)) {
    rows <- max(1, 2^23 %/% max(1, prod(sizes[-1L])))
  }
  firsts <- if (sizes[[1L]] > 0) seq(1, sizes[[1L]], by = rows) else double()
  counts <- pmin(rows, sizes[[1L]] - firsts + 1)
  with_r_progress(progress, function(show) {
    map_rows(x, firsts, counts, fun, show)
  })
}

check_partition_function <- function(fun) {
  if (!is.function(fun) || is_own_object(fun)) {
    stop_type("fun", fun, "a function of a partition")
  }
  # NULL for a function such as `[`, whose arguments R does not know
  arguments <- formals(args(fun))[-1L]
  others <- setdiff(required_arguments(arguments), "first_row")
  if (length(others) > 0L || !takes_arguments(fun, 1L)) {
    stop_argument("fun", fun, "a function of a partition and, optionally, `first_row`")
  }
}

# The lazy tensor to divide. All arguments are checked before a draw is taken.
tensor_with_rows <- function(initializer, shape, dtype) {
  if (is_lazy_tensor(initializer)) {
    for (name in c("shape", "dtype")) {
      value <- get(name, inherits = FALSE)
      if (!is.null(value)) {
        stop_argument(name, value, "NULL for a lazy tensor")
      }
    }
    if (length(lazy_state(initializer)$shape) == 0L) {
      stop_argument("initializer", initializer, "a tensor with rows, not a scalar")
    }
    return(initializer)
  }
  if (!is_initializer(initializer)) {
    stop_type("initializer", initializer, paste0(allowed_initializer, ", or a lazy tensor"))
  }
  if (is.null(shape)) {
    stop_argument("shape", shape, "given for an initializer")
  }
  sizes <- as_sizes("shape", shape)
  if (length(sizes) == 0L) {
    stop_argument("shape", shape, "of at least one dimension: a scalar has no rows")
  }
  lazy_tensor(initializer, sizes, dtype)
}

# The results of `fun` for the partitions of `counts` rows that start at the rows `firsts`.
map_rows <- function(x, firsts, counts, fun, show) {
  facts <- value_from_python(bridge()$partition_facts(read_of(lazy_state(x))))
  row_bytes <- prod(lazy_state(x)$shape[-1L]) * facts$itemsize
  done <- 0
  on_done <- function(index) {
    done <<- done + counts[[index]]
    if (!is.null(show)) {
      show(row_bytes * done, row_bytes * sum(counts))
    }
  }
  on_error <- function(index, error) {
    last <- firsts[[index]] + counts[[index]] - 1
    stop_at(sprintf("In partition %d, rows %.0f to %.0f", index, firsts[[index]], last), error)
  }
  work <- function(index) list(x = x, first = firsts[[index]], count = counts[[index]])
  if (!has_parallel_plan()) {
    results <- vector("list", length(firsts))
    for (index in seq_along(firsts)) {
      results[index] <- list(withCallingHandlers(
        run_partition(work(index), fun),
        error = function(error) on_error(index, error)
      ))
      on_done(index)
    }
    return(results)
  }
  work_elsewhere <- work
  if (facts$needs_whole) {
    # computed once, here
    work_elsewhere <- function(index) {
      list(values = read_rows(work(index)), first = firsts[[index]])
    }
  }
  run_futures(run_partition, length(firsts), work_elsewhere, on_done, on_error, fun)
}

# Applies a function to a partition: in this process, or in one of future's.
run_partition <- function(work, fun) {
  values <- if (is.null(work$values)) read_rows(work) else work$values
  if ("first_row" %in% names(formals(args(fun)))) {
    keep_unused_random_state(fun(values, first_row = work$first))
  } else {
    keep_unused_random_state(fun(values))
  }
}

read_rows <- function(work) {
  state <- lazy_state(work$x)
  rows <- new_runs(work$first - 1, 1, work$count)
  read_runs(state, c(list(rows), lapply(state$shape[-1L], whole_axis)))
}
