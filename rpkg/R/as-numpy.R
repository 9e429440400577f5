#' Arrays of R and NumPy that share their memory
#'
#' @description
#' `as_numpy()` makes an R array a NumPy array and `as_r_array()` a NumPy array an R array, without
#' a copy and whatever the size. Both arrays are the same memory.
#'
#' @details
#' What NumPy gets is read-only. R copies the array before it next writes to it, so the NumPy array
#' keeps its values.
#'
#' What R gets shows what Python writes to the array later, until R first writes to it: then R
#' takes a copy of its own. So neither side ever writes to the array of the other.
#'
#' The copy is taken when R code asks for the memory to write to it, which some of R's own functions
#' do although they only read (`identical()`, `%*%`).
#'
#' An R array is in column-major (Fortran) order. A NumPy array in another order is copied on its
#' way to R. Logicals are copied both ways, as the two languages store them differently, and
#' integers on their way to R.
#'
#' `NA` among doubles becomes a NaN, which R still knows as `NA` when it comes back.
#'
#' @param x
#' For `as_numpy()`, a double, integer or logical vector, matrix or array, without a class;
#' integers and logicals must not be `NA`. Its names are left behind.
#'
#' For `as_r_array()`, a Python object, as reticulate gives it if it does not convert: a NumPy array
#' of float64, int32 or bool, or an Arrow array of one of these types, without nulls.
#'
#' @returns
#' `as_numpy()` returns a Python object, a NumPy array of the same dimensions; of one dimension if
#' `x` has none.
#'
#' `as_r_array()` returns an R array of the same dimensions; a vector of length 1 if there are none,
#' and a vector if the only dimension exceeds 2^31 - 1.
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
