# Tables in R Markdown.

# Renders a document with the chunk to HTML; returns the texts of the body without blanks at the
# ends of lines.
rendered <- function(chunk, format = "html_fragment") {
  skip_if_not_installed("rmarkdown")
  skip_if_not(rmarkdown::pandoc_available("2.0"), "needs pandoc")
  folder <- withr::local_tempdir()
  file <- file.path(folder, "page.Rmd")
  writeLines(c("---", "title: Page", "---", "```{r}", "library(pyinit)", chunk, "```"), file)
  output <- rmarkdown::render(file, format, quiet = TRUE, envir = new.env())
  paste(readLines(output, encoding = "UTF-8"), collapse = "\n")
}

cells_of <- function(html) {
  cells <- regmatches(html, gregexpr("<t[dh][^>]*>[^<]*</t[dh]>", html))[[1L]]
  cells <- gsub("<[^>]*>", "", gsub("\\s+", " ", cells))
  entities <- c("&lt;" = "<", "&gt;" = ">", "&quot;" = "\"", "&#39;" = "'", "&amp;" = "&")
  for (entity in names(entities)) {
    cells <- gsub(entity, entities[[entity]], cells, fixed = TRUE)
  }
  cells
}

test_that("documents show tables", {
  # protects: authors of R Markdown and Quarto documents
  html <- rendered(c(
    "x <- initializer_variance_scaling(scale = 2, seed = 1)",
    "x",
    "lazy_tensor(x, c(3, 4))",
    "random_seed_generator(3, name = 'shared')",
    "initializer_zeros()"
  ))
  expect_identical(cells_of(html), c(
    "VarianceScaling", "", "scale", "2", "mode", "\"fan_in\"", "distribution",
    "\"truncated_normal\"", "seed", "1",
    "lazy tensor", "", "shape", "c(3, 4)", "dtype", "float32", "initializer",
    "VarianceScaling(scale = 2, mode = \"fan_in\", distribution = \"truncated_normal\", seed = 1)",
    "SeedGenerator", "", "seed", "3", "name", "\"shared\""
  ))
  expect_match(html, "<p>Zeros</p>", fixed = TRUE)
})

test_that("names from a stranger's file are escaped", {
  # protects: authors who show a manifest that they received
  skip_if_not(reticulate::py_module_available("jsonschema"), "needs jsonschema")
  name <- "<script>alert(1)</script>|*a* _b_ [l](javascript:x) `c` &amp; # 'q'"
  html <- rendered(c(
    sprintf("name <- %s", deparse(name)),
    "plan <- list(list(name = name, shape = 2, initializer = 'zeros'))",
    "manifest <- create_manifest(plan)",
    "manifest",
    "verify(manifest)",
    "verify(manifest, list(other = c(0, 0)))"
  ))
  cells <- cells_of(html)
  expect_identical(cells[1:9], c(
    "name", "shape", "dtype", "initializer", "fingerprint", name, "2", "float32", "Zeros"
  ))
  differences <- cells[11:16]
  expect_identical(differences[1:2], c("name", "reason"))
  expect_setequal(differences[c(3, 5)], c("other", name))
  expect_no_match(html, "<script|<em>|<a |<code>`|math")
  expect_match(html, "The same: 1 tensor, 8 bytes", fixed = TRUE)
})

test_that("formulas in a name are no formulas of the page", {
  # protects: authors whose pages load MathJax, which looks for these delimiters
  skip_if_not(reticulate::py_module_available("jsonschema"), "needs jsonschema")
  html <- rendered(c(
    "name <- paste0(strrep('$', 2), 'x', strrep('$', 2), intToUtf8(c(92, 40, 121, 92, 91)))",
    "create_manifest(list(list(name = name, shape = 2, initializer = 'zeros')))"
  ))
  cell <- cells_of(html)[[6L]]
  expect_identical(gsub("\u2060", "", cell), "$$x$$\\(y\\[")
  expect_no_match(cell, "[$][$]|\\\\[([]")
})

test_that("many records are counted", {
  # protects: documents that show the manifest of a large model
  skip_if_not(reticulate::py_module_available("jsonschema"), "needs jsonschema")
  plan <- lapply(sprintf("w%d", 1:25), function(name) {
    list(name = name, shape = 2, initializer = "zeros")
  })
  skip_if_not_installed("knitr")
  format <- knitr::opts_knit$get("out.format")
  knitr::opts_knit$set(out.format = "markdown")
  withr::defer(knitr::opts_knit$set(out.format = format))
  shown <- as.character(knitr::knit_print(create_manifest(plan)))
  expect_match(shown, "w20", fixed = TRUE)
  expect_no_match(shown, "w21", fixed = TRUE)
  expect_match(shown, "\n5 more\n", fixed = TRUE)
})

test_that("print() and other formats show the text of the console", {
  # protects: documents that are not Markdown, and authors who want the text
  skip_if_not_installed("knitr")
  initializer <- initializer_he_normal(seed = 1)
  expect_output(knitr::knit_print(initializer), "<pyinit initializer> HeNormal(seed = 1)",
    fixed = TRUE
  )
  html <- rendered("print(initializer_he_normal(seed = 1))")
  expect_match(html, "HeNormal(seed = 1)", fixed = TRUE)
  expect_length(cells_of(html), 0)
})
