# The R part of demo.py: runs the given files of R code, whose last expression is an array, and
# writes next to each the array as R prints it and its doubles in C order.
library(pyinit)

arguments <- commandArgs(trailingOnly = TRUE)
max_printed <- as.integer(arguments[[1]])
cat(sprintf("R %s, reticulate %s\n\n", getRversion(), packageVersion("reticulate")))
for (file in arguments[-1]) {
  values <- source(file, local = new.env())$value
  text <- if (length(values) <= max_printed) {
    capture.output(print(round(values, 7)))
  } else {
    first <- sprintf("%.7f", aperm(values)[1:5])
    sprintf("%s ... (%d values)", paste(first, collapse = " "), length(values))
  }
  writeLines(text, sub("[.]R$", ".txt", file))
  writeBin(as.vector(aperm(values)), sub("[.]R$", ".f64", file), endian = "little")
}
