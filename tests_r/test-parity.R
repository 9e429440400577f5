# R's arrays equal those of a separate Python process, to the last bit.

# The arrays that write_expected.py writes.
read_expected <- function() {
  script <- checkout_path("tests_r", "write_expected.py")
  file <- withr::local_tempfile(fileext = ".arrow")
  python <- reticulate::py_config()$python
  status <- system2(python, shQuote(c(script, file)))
  stopifnot(status == 0)
  pyarrow <- reticulate::import("pyarrow", convert = FALSE)
  pyarrow$ipc$open_file(pyarrow$OSFile(file))$read_all()
}

# Draws the array of a row.
draw_row <- function(row) {
  json <- reticulate::import("json")
  arguments <- json$loads(row$arguments)
  if (row$draws > 0) {
    arguments$seed <- random_seed_generator(arguments$seed)
  }
  initializer <- do.call(make, c(list(row$factory), arguments))
  for (draw in seq_len(max(row$draws, 1))) {
    values <- do.call(initializer, c(list(shape = row$shape), json$loads(row$call)))
  }
  values
}

test_that("every initializer draws the same values as Python", {
  # protects: the same bits in both languages, for every dtype, rank, seed and partition
  table <- read_expected()
  rows <- reticulate::py_to_r(table$drop(list("values"))$to_pylist())
  expected <- table$column("values")$chunk(0L)
  expect_setequal(vapply(rows, function(row) row$factory, ""), factories)
  for (i in seq_along(rows)) {
    row <- rows[[i]]
    values <- as_r_array(expected$`__getitem__`(i - 1L)$values)
    dim(values) <- if (length(row$dim) > 0) as.integer(row$dim)
    # unlike expect_identical(), distinguishes 0 and -0
    same <- identical(draw_row(row), values, num.eq = FALSE)
    expect_true(same, label = paste(unlist(row), collapse = " "))
  }
})
