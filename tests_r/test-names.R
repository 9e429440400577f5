# Every function has its twin in Python: the same arguments, with the same defaults.

test_that("functions take the arguments of their twins in Python", {
  # protects: users who change languages, and calls with arguments in order
  python <- reticulate::import("pyinit")
  inspect <- reticulate::import("inspect")
  # tests/test_names.py holds the two lists of names against each other
  shared <- intersect(getNamespaceExports("pyinit"), reticulate::py_list_attributes(python))
  expect_gt(length(shared), 25)
  for (name in shared) {
    parameters <- inspect$signature(python[[name]])$parameters
    in_python <- names(reticulate::import_builtins()$dict(parameters))
    in_r <- formals(getExportedValue("pyinit", name))
    in_r$... <- NULL # for compatibility with keras3
    required <- names(in_r)[!nzchar(vapply(in_r, function(x) paste(deparse(x), collapse = ""), ""))]
    expect_identical(as.character(names(in_r)), as.character(in_python), label = name)
    for (argument in names(in_r)) {
      default <- parameters[[argument]]$default
      if (argument %in% required) {
        expect_true(inherits(default, "python.builtin.type"), label = paste(name, argument))
      } else {
        expect_equal(eval(in_r[[argument]]), default, label = paste(name, argument))
      }
    }
  }
})
