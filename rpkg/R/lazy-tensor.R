# Lazy tensors: R's view of Python's LazyTensor.
#
# The state is what the tensor is made from: `class_name`, `config` with the seed in use, `draw`,
# `shape`, `dtype`. The Python function that reads it is not saved with it, but made again in
# another session: python-objects.R.

#' A tensor that is computed where it is read
#'
#' @description
#' `lazy_tensor()` returns the tensor that `initializer(shape, dtype)` would return, without
#' computing it. Indexing computes only the selected elements, so the tensor may be larger than
#' memory.
#'
#' A lazy tensor has `dim()` and `length()`. It can be saved with [saveRDS()] and read in another
#' session, where it has the same values. [fingerprint()] works without holding the tensor in
#' memory. In Python, `r_to_py()` gives the `LazyTensor`.
#'
#' @details
#' The values are fixed when the lazy tensor is made: with a [random_seed_generator()] as its seed,
#' the initializer takes a draw then, as a call does, and a later call takes another one.
#'
#' `x[i, j]` follows R's rules for arrays: indices may be positive, negative, logical, missing, zero
#' or repeated. An index out of bounds or `NA` is an error. A tensor of two or more dimensions needs
#' an index for each of them: `x[i]` with a vector or a matrix is an error. Each contiguous or
#' evenly spaced run of indices is read at once.
#'
#' Functions that compute with arrays or combine them, such as `+`, `sum()` and `cbind()`, do not
#' accept a lazy tensor: pass them `as.array(x)`.
#'
#' Any element of [initializer_orthogonal()] depends on the whole matrix: it is computed when it is
#' first read, and kept. Values are computed on the CPU.
#'
#' @param initializer
#' An initializer, see [pyinit_initializer].
#'
#' @param shape
#' The dimensions of the tensor, whole numbers.
#'
#' @param dtype
#' The name of the dtype; `NULL` means [floatx()].
#'
#' @param x
#' A lazy tensor.
#'
#' @param ...
#' For `[`, an index for each dimension. Otherwise not used.
#'
#' @param drop
#' Whether to drop dimensions of length 1 from the result.
#'
#' @param mode
#' As for [as.vector()].
#'
#' @returns
#' `lazy_tensor()` returns an object of class `pyinit_lazy_tensor`. `x[...]` and `as.array()` return
#' an R array, `as.vector()` a vector.
#'
#' @export
#' @examplesIf pyinit_available()
#' weights <- lazy_tensor(initializer_he_normal(seed = 1), shape = c(50000, 4096))
#' weights
#' dim(weights)
#' weights[1:2, 1:3]
#'
#' small <- lazy_tensor(initializer_he_normal(seed = 1), shape = c(4, 3))
#' identical(as.array(small), initializer_he_normal(seed = 1)(shape = c(4, 3)))
lazy_tensor <- function(initializer, shape, dtype = NULL) {
  check_given()
  if (!is_initializer(initializer)) {
    stop_type("initializer", initializer, allowed_initializer)
  }
  shape <- as_sizes("shape", shape)
  as_dim(shape, "shape")
  check_dtype(dtype, shape)
  dtype <- plain_argument("dtype", dtype)
  handle <- handle_of(state_of(initializer))
  made <- value_from_python(bridge()$make_lazy(handle, as.list(shape), dtype))
  # in the namespace, so that readRDS() loads the package
  state <- new.env(parent = topenv())
  keep_python_object(state, made[[1L]])
  state$dtype <- made[[2L]]
  state$draw <- made[[3L]]
  state$class_name <- made[[4L]]
  state$config <- with_array(
    with_exact_seeds(made[[5L]]), state_of(initializer)$config[["value"]]
  )
  state$shape <- shape
  structure(list(state = state), class = "pyinit_lazy_tensor")
}

lazy_state <- function(x) {
  unclass(x)$state
}

# The Python function that reads the tensor.
read_of <- function(state) {
  read <- find_python_object(state)
  if (is.null(read)) {
    read <- value_from_python(bridge()$restore_lazy(
      state$class_name, sequences_as_lists(state$config), as.list(state$shape), state$dtype,
      state$draw
    ))
    keep_python_object(state, read)
  }
  read
}

# The Python LazyTensor.
lazy_object <- function(state) {
  call_python(bridge()$lazy_of(read_of(state)))
}

#' @rdname lazy_tensor
#' @export
`[.pyinit_lazy_tensor` <- function(x, ..., drop = TRUE) { # nolint: object_name_linter.
  state <- lazy_state(x)
  drop <- as_flag("drop", drop)
  is_missing <- missing_indices(...)
  if (all(is_missing) && length(is_missing) <= 1L) {
    return(as.array(x))
  }
  rank <- length(state$shape)
  if (rank == 0L && length(is_missing) == 1L) {
    return(as.array(x)[positions_of_scalar(..1)])
  }
  if (length(is_missing) != rank) {
    stop_pyinit(
      "A lazy tensor of ", rank, " dimensions needs an index for each of them, as in x[1:2, ]; ",
      "a single vector or matrix is not allowed. Indices received: ", length(is_missing),
      class = "pyinit_index_error"
    )
  }
  runs <- lapply(seq_len(rank), function(axis) {
    length <- state$shape[[axis]]
    if (is_missing[[axis]]) whole_axis(length) else runs_of_index(...elt(axis), length, axis)
  })
  values <- read_runs(state, runs)
  if (is.null(dim(x))) {
    as.vector(values)
  } else if (!drop) {
    values
  } else if (rank == 1L) {
    # as in R, an array of one dimension stays one, unless at most one element is left
    if (length(values) > 1L) values else as.vector(values)
  } else {
    drop(values)
  }
}

# Which of the indices in `...` are missing.
missing_indices <- function(...) {
  arguments <- as.list(substitute(list(...)))[-1L]
  vapply(arguments, identical, NA, quote(expr = )) # nolint: spaces_inside_linter.
}

# The runs of positions that an index selects along an axis.
runs_of_index <- function(index, length, axis) {
  index <- plain_index(index, axis)
  if (is_long_range(index, length, axis)) {
    return(new_runs(index[[1L]] - 1, 1, length(index)))
  }
  if (isTRUE(index) && length > 0) {
    return(whole_axis(length))
  }
  if (is.numeric(index) && any(index <= -1, na.rm = TRUE)) {
    return(runs_without(index, length, axis))
  }
  runs_of(positions(index, length, axis))
}

positions_of_scalar <- function(index) {
  index <- plain_index(index, 1L)
  if (is.numeric(index) && isTRUE(all(index < 0))) index else positions(index, 1, 1L)
}

# An index that R's arrays take, as a plain vector.
plain_index <- function(index, axis) {
  if (is_integer64(index)) {
    index <- as.double(digits_of_integer64(index))
  }
  if (is.object(index) || !is.numeric(index) && !is.logical(index) && !is.null(index)) {
    stop_index(axis, "numeric or logical, without a class", index)
  }
  index
}

# Whether an index is a range of more than 2^20 positions, such as 1:1e9. Does not expand it.
is_long_range <- function(index, length, axis) {
  size <- length(index)
  if (!is.numeric(index) || size <= max_elements) {
    return(FALSE)
  }
  ends <- c(index[[1L]], index[[size]])
  if (any(ends >= length + 1, na.rm = TRUE)) {
    stop_beyond(axis, length, max(ends, na.rm = TRUE))
  }
  if (!isFALSE(is.unsorted(index)) || ends[[1L]] < 1) {
    return(FALSE)
  }
  starts <- seq(1, size, by = max_elements)
  is_range <- function(start) {
    part <- index[start:min(start + max_elements - 1, size)]
    all(part == seq(index[[1L]] + start - 1, length.out = length(part)))
  }
  index[[1L]] == trunc(index[[1L]]) && all(vapply(starts, is_range, NA))
}

# The positions that a logical or positive index selects along an axis, counted from 1.
positions <- function(index, length, axis) {
  if (anyNA(index)) {
    stop_index(axis, "given without NA", index)
  }
  if (is.logical(index)) {
    if (length(index) > length) {
      stop_index(axis, paste("of at most", length, "logicals"), index)
    }
    return(seq_len(length)[index])
  }
  index <- trunc(as.double(index))
  beyond <- index > length
  if (any(beyond)) {
    stop_beyond(axis, length, index[beyond][[1L]])
  }
  index[index > 0]
}

# The runs that a negative index leaves. The axis may be too long for a vector of all its positions.
runs_without <- function(index, length, axis) {
  if (anyNA(index)) {
    stop_index(axis, "given without NA", index)
  }
  index <- trunc(as.double(index))
  if (any(index > 0)) {
    stop_index(axis, "all positive or all negative", index)
  }
  omitted <- sort(unique(-index[index < 0 & index >= -length]))
  firsts <- c(1, omitted + 1)
  counts <- c(omitted, length + 1) - firsts
  is_run <- counts > 0
  new_runs(firsts[is_run] - 1, rep(1, sum(is_run)), counts[is_run])
}

stop_beyond <- function(axis, length, received) {
  stop_index(axis, sprintf("at most %.0f, the length of the dimension", length), received)
}

stop_index <- function(axis, allowed, received) {
  stop_pyinit(
    "Index ", axis, " must be ", allowed, ". Received: ", show_value(received),
    class = "pyinit_index_error"
  )
}

# Evenly spaced runs of positions for Python, counted from 0: their firsts, steps and counts.
new_runs <- function(firsts, steps, counts) {
  list(as.list(firsts), as.list(steps), as.list(counts))
}

whole_axis <- function(length) {
  if (length == 0) new_runs(double(), double(), double()) else new_runs(0, 1, length)
}

runs_of <- function(positions) {
  size <- length(positions)
  steps <- diff(positions)
  same <- rle(steps)
  # the last position that can be reached from each one in equal steps
  last <- c(rep(cumsum(same$lengths) + 1L, same$lengths), size)
  # equal positions are runs of their own
  last[which(steps == 0)] <- which(steps == 0)
  starts <- integer()
  start <- 1L
  while (start <= size) {
    starts[[length(starts) + 1L]] <- start
    start <- last[[start]] + 1L
  }
  counts <- last[starts] - starts + 1
  new_runs(positions[starts] - 1, ifelse(counts > 1, steps[starts], 1), counts)
}

# The elements at the runs of each axis, as an array.
read_runs <- function(state, runs) {
  shape <- vapply(runs, function(axis) sum(as.double(unlist(axis[[3L]]))), 0)
  transfer <- .Call(new_arrow_transfer, 8 * prod(shape))
  keep_unused_random_state({
    read <- read_of(state)
    call_python(read(runs, transfer$address))
  })
  .Call(import_array, transfer$pointer, as_dim(shape, "x"), FALSE)
}

#' @export
`[[.pyinit_lazy_tensor` <- function(x, ...) { # nolint: object_name_linter.
  value <- x[...]
  if (length(value) != 1L) {
    stop_pyinit("`[[` must select one element. Received: ", length(value),
      class = "pyinit_index_error"
    )
  }
  as.vector(value)
}

#' @export
`[<-.pyinit_lazy_tensor` <- function(x, ..., value) { # nolint: object_name_linter.
  stop_pyinit("A lazy tensor cannot be changed: make an array of it with as.array()", call = NULL)
}

#' @export
`[[<-.pyinit_lazy_tensor` <- `[<-.pyinit_lazy_tensor`

# Functions of arrays would take the object for a list: mean() would return NA, c(x) the state. The
# error has no call: it would be that of the method, not the user's. unlist() has no method, since
# format() of a list calls it.
not_an_array <- function(name) {
  stop_pyinit(
    "`", name, "` does not accept a lazy tensor: read its values with as.array(x), or some of ",
    "them, as in x[1:2, ]",
    class = "pyinit_type_error", call = NULL
  )
}

#' @export
Ops.pyinit_lazy_tensor <- function(e1, e2) not_an_array(.Generic) # nolint: object_name_linter.

#' @export
Math.pyinit_lazy_tensor <- function(x, ...) not_an_array(.Generic) # nolint: object_name_linter.

#' @export
Summary.pyinit_lazy_tensor <- function(..., na.rm) { # nolint: object_name_linter.
  not_an_array(.Generic)
}

#' @export
mean.pyinit_lazy_tensor <- function(x, ...) not_an_array("mean")

#' @export
summary.pyinit_lazy_tensor <- function(object, ...) not_an_array("summary")

#' @export
is.na.pyinit_lazy_tensor <- function(x) not_an_array("is.na")

#' @export
t.pyinit_lazy_tensor <- function(x) not_an_array("t")

#' @export
c.pyinit_lazy_tensor <- function(...) not_an_array("c")

#' @export
cbind.pyinit_lazy_tensor <- function(..., deparse.level) { # nolint: object_name_linter.
  not_an_array("cbind")
}

#' @export
rbind.pyinit_lazy_tensor <- function(..., deparse.level) { # nolint: object_name_linter.
  not_an_array("rbind")
}

#' @export
rep.pyinit_lazy_tensor <- function(x, ...) not_an_array("rep")

#' @export
duplicated.pyinit_lazy_tensor <- function(x, ...) not_an_array("duplicated")

#' @export
anyDuplicated.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  not_an_array("anyDuplicated")
}

#' @export
unique.pyinit_lazy_tensor <- function(x, ...) not_an_array("unique")

#' @export
as.list.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  not_an_array("as.list")
}

#' @export
as.data.frame.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  not_an_array("as.data.frame")
}

#' @export
names.pyinit_lazy_tensor <- function(x) NULL

#' @export
`$<-.pyinit_lazy_tensor` <- `[<-.pyinit_lazy_tensor` # nolint: object_name_linter.

#' @export
`dim<-.pyinit_lazy_tensor` <- function(x, value) x[] <- value # nolint: object_name_linter.

# No names are what it has.
#' @export
`dimnames<-.pyinit_lazy_tensor` <- function(x, value) { # nolint: object_name_linter.
  if (is.null(value)) x else x[] <- value
}

#' @export
`length<-.pyinit_lazy_tensor` <- `dim<-.pyinit_lazy_tensor` # nolint: object_name_linter.

#' @export
`levels<-.pyinit_lazy_tensor` <- `dim<-.pyinit_lazy_tensor` # nolint: object_name_linter.

#' @export
`names<-.pyinit_lazy_tensor` <- `dimnames<-.pyinit_lazy_tensor` # nolint: object_name_linter.

#' @export
`$.pyinit_lazy_tensor` <- function(x, name) {
  stop_pyinit("A lazy tensor has no element `", name, "`", call = NULL)
}

#' @importFrom utils .DollarNames
#' @export
.DollarNames.pyinit_lazy_tensor <- function(x, pattern = "") { # nolint: object_name_linter.
  character()
}

#' @rdname lazy_tensor
#' @export
as.array.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  state <- lazy_state(x)
  read_runs(state, lapply(state$shape, whole_axis))
}

#' @export
as.matrix.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  as.matrix(as.array(x))
}

#' @rdname lazy_tensor
#' @export
as.vector.pyinit_lazy_tensor <- function(x, mode = "any") { # nolint: object_name_linter.
  as.vector(as.array(x), mode)
}

#' @export
as.double.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  as.vector(x, "double")
}

#' @export
as.integer.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  as.vector(x, "integer")
}

#' @export
as.logical.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  as.vector(x, "logical")
}

#' @export
dim.pyinit_lazy_tensor <- function(x) {
  as_dim(lazy_state(x)$shape, "shape")
}

#' @export
length.pyinit_lazy_tensor <- function(x) {
  size <- prod(lazy_state(x)$shape)
  if (size <= .Machine$integer.max) as.integer(size) else size
}

#' @export
format.pyinit_lazy_tensor <- function(x, ...) {
  state <- lazy_state(x)
  sprintf(
    "<pyinit lazy tensor> [%s] %s, %s",
    toString(sprintf("%.0f", state$shape)), state$dtype, code_of_source(state)
  )
}

# The class, the arguments and the draw of a lazy tensor's initializer.
code_of_source <- function(state) {
  arguments <- shown_arguments(state$config, show_value(state$config$seed))
  # an integer seed has draw 0
  if (!is.null(state$draw) && state$draw > 0) {
    arguments <- c(arguments, sprintf("draw = %.0f", state$draw))
  }
  sprintf("%s(%s)", state$class_name, toString(arguments))
}

#' @export
print.pyinit_lazy_tensor <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @importFrom utils str
#' @export
str.pyinit_lazy_tensor <- function(object, ...) {
  cat(" ", format(object), "\n", sep = "")
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_lazy_tensor <- function(x, convert = FALSE) {
  lazy_object(lazy_state(x))
}
