#' Convert between R and NumPy arrays without a copy
#'
#' @description
#' `as_numpy()` converts an R array to a NumPy array, and `as_r_array()` a NumPy array to an R
#' array. Both arrays share the same memory, at any size.
#'
#' @details
#' The NumPy array is read-only. R copies its array before it next writes to it, so the NumPy array
#' keeps its values.
#'
#' The R array reflects later changes of the NumPy array until R first writes to it: then R makes a
#' copy. So neither language ever writes to the other's array.
#'
#' R makes that copy when code requests writable memory, which some R functions do even if they only
#' read (`identical()`, `%*%`).
#'
#' R arrays are in column-major (Fortran) order. A NumPy array in another order is copied on the way
#' to R. Logicals are copied both ways, since the languages store them differently, and integers on
#' the way to R.
#'
#' `NA` in a double array becomes a NaN, which is `NA` again when it returns to R.
#'
#' @param x
#' For `as_numpy()`, a double, integer or logical vector, matrix or array without a class. Integers
#' and logicals must not be `NA`. Names are dropped.
#'
#' For `as_r_array()`, a Python object that reticulate has not converted: a NumPy array of float64,
#' int32 or bool, or an Arrow array of one of these types, without nulls.
#'
#' @returns
#' `as_numpy()` returns a Python object, a NumPy array of the same dimensions, or of one dimension
#' if `x` has none.
#'
#' `as_r_array()` returns an R array of the same dimensions. An array without dimensions becomes a
#' vector of length 1, and one whose only dimension exceeds 2^31 - 1 a vector.
#'
#' @export
#' @examplesIf pyinit_available()
#' x <- matrix(c(1, 2, 3, 4, 5, 6), nrow = 2)
#' view <- as_numpy(x)
#' view
#' as_r_array(view)
as_numpy <- function(x) {
  numpy_view(x)
}

#' @rdname as_numpy
#' @export
as_r_array <- function(x) {
  if (!inherits(x, "python.builtin.object")) {
    stop_type("x", x, "a Python object: a NumPy or Arrow array, not converted by reticulate")
  }
  send <- bridge()$send_array
  transfer <- allocate_transfer()
  sent <- value_from_python(send(x, transfer$address))
  receive_array(transfer$pointer, as.double(unlist(sent[[1L]])), sent[[2L]])
}
