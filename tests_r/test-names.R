# Every function has the same arguments and defaults as in Python.

# Converts a default from Python: reticulate does not convert integers beyond 32 bits exactly.
default_of <- function(parameter) {
  default <- parameter$default
  if (inherits(default, "python.builtin.int") && !inherits(default, "python.builtin.bool")) {
    digits <- reticulate::py_str(default)
    stopifnot(identical(sprintf("%.0f", as.numeric(digits)), digits))
    return(as.numeric(digits))
  }
  reticulate::py_to_r(default)
}

# Arguments without a meaning in R, where a plot is drawn on the current graphics device.
only_in_python <- c("figure")

test_that("functions have the same arguments as in Python", {
  # protects: users of both languages, and calls with positional arguments
  python <- reticulate::import("pyinit", convert = FALSE)
  inspect <- reticulate::import("inspect", convert = FALSE)
  # tests/project/test_names.py compares the two lists of names
  shared <- intersect(getNamespaceExports("pyinit"), reticulate::py_list_attributes(python))
  expect_gt(length(shared), 25)
  for (name in shared) {
    parameters <- inspect$signature(python[[name]])$parameters
    in_python <- reticulate::import_builtins()$list(parameters$keys())
    in_python <- setdiff(in_python, only_in_python)
    in_r <- formals(getExportedValue("pyinit", name))
    in_r$... <- NULL # for compatibility with keras3
    required <- names(in_r)[!nzchar(vapply(in_r, function(x) paste(deparse(x), collapse = ""), ""))]
    expect_identical(as.character(names(in_r)), as.character(in_python), label = name)
    for (argument in names(in_r)) {
      default <- default_of(parameters$`__getitem__`(argument))
      if (argument %in% c("max_bytes", "max_operations")) {
        # an integer that reticulate would not hand over exactly
        builtins <- reticulate::import_builtins(convert = FALSE)
        exact <- reticulate::r_to_py(parameters)[argument]$default
        default <- reticulate::py_to_r(builtins$float(exact))
      }
      if (argument %in% required) {
        expect_true(inherits(default, "python.builtin.type"), label = paste(name, argument))
      } else {
        expect_equal(eval(in_r[[argument]]), default, label = paste(name, argument))
      }
    }
  }
})
