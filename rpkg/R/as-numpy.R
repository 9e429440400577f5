#' Convert between R and Python arrays
#'
#' @description
#' `as_numpy()` converts an R array to a NumPy array. `as_r_array()` converts an array or tensor of
#' Python to an R array. Where the types and the layout allow it, both arrays share the same memory,
#' at any size. No value is ever rounded.
#'
#' Both functions also take arrays of the R packages arrow and nanoarrow.
#'
#' @section Arrays from R:
#' | `x` | NumPy array | memory |
#' |---|---|---|
#' | double | float64 | shared |
#' | integer | int32 | shared |
#' | logical | bool | copied: R stores logicals in 32 bits |
#' | arrow or nanoarrow array of floats or integers | of the same type | shared |
#' | arrow or nanoarrow array of bools | bool | copied: Arrow stores them in one bit |
#'
#' A shared NumPy array is read-only. R copies its array before it next writes to it, so the NumPy
#' array keeps its values.
#'
#' A `ChunkedArray` of arrow is copied if it has several chunks.
#'
#' `NA` in a double array becomes a NaN, which is `NA` again when it returns to R.
#'
#' @section Arrays into R:
#' | dtype of `x` | R array | memory |
#' |---|---|---|
#' | float64 | double | shared |
#' | int32 | integer | shared |
#' | int32 that contains -2^31, which is `NA` in R | double | copied |
#' | float16, bfloat16, float32 | double | copied |
#' | int8, int16, uint8, uint16 | integer | copied |
#' | uint32 | double | copied |
#' | int64, uint64 | double; an error beyond -2^53 and 2^53 | copied |
#' | bool | logical | copied |
#'
#' R arrays are in column-major (Fortran) order. An array of two or more dimensions in another order
#' is copied, as is one whose memory is not contiguous. "Copied" means one copy. An Arrow array in
#' several chunks is joined first, which is a copy of its own.
#'
#' A shared R array reflects later changes of the Python array until R first writes to it: then R
#' makes a copy. So neither language ever writes to the other's array. R makes that copy when code
#' requests writable memory, which some R functions do even if they only read (`identical()`,
#' `%*%`). While an int32 array is shared, an element that Python changes to -2^31 becomes `NA`.
#'
#' A tensor on a GPU is first copied to the host.
#'
#' @section R packages arrow and nanoarrow:
#' These packages take the arrays of this package as they take any R array: arrow as the values in
#' column-major order, without dimensions, and nanoarrow a matrix as an array of rows. They share
#' the memory of a double or integer array, except that
#' * nanoarrow copies a matrix;
#' * a result of `as_r_array()` that R shares with Python is copied once, since both packages
#'   request writable memory.
#'
#' They copy logicals.
#'
#' @param x
#' For `as_numpy()`, a double, integer or logical vector, matrix or array without a class, or an
#' array of arrow or nanoarrow. Integers and logicals must not be `NA`, and Arrow arrays must have
#' no nulls. Names are dropped.
#'
#' For `as_r_array()`, a Python object that reticulate has not converted: a NumPy array or scalar, a
#' tensor of torch, JAX or TensorFlow, a Keras variable, a lazy tensor of Python, or an Arrow array.
#' Or an array of arrow or nanoarrow. Masks and nulls are errors, as are complex numbers, strings
#' and objects.
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
#'
#' as_r_array(view$astype("float32"))
as_numpy <- function(x) {
  check_given()
  numpy_view(x)
}

#' @rdname as_numpy
#' @export
as_r_array <- function(x) {
  check_given()
  is_arrow <- is_arrow_array(x)
  if (!is_arrow && !is_python_object(x)) {
    stop_type(
      "x", x,
      paste(
        "a Python object, not converted by reticulate, that is an array or tensor, or an array of",
        "arrow or nanoarrow"
      )
    )
  }
  send <- bridge()$send_array
  if (is_arrow) {
    exported <- export_arrow(x, "x")
    x <- call_python(bridge()$receive_arrow(exported$address))
  }
  transfer <- allocate_transfer()
  sent <- value_from_python(send(x, transfer$address))
  receive_array(transfer$pointer, as.double(unlist(sent[[1L]])), sent[[2L]])
}
