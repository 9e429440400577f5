# Tables in R Markdown.

#' Tables in R Markdown
#'
#' @description
#' In R Markdown and Quarto documents, initializers, seed generators, lazy tensors, manifests and
#' results of [verify()] and [self_test()] are shown as tables. `print(x)` shows the text of the
#' console instead, as does the chunk option `render = knitr::normal_print`.
#'
#' @param x
#' An object of this package.
#'
#' @param ...
#' Not used.
#'
#' @returns
#' Markdown for knitr, as `knitr::asis_output()` returns it. Texts are escaped.
#'
#' @name knit_print
#' @examplesIf pyinit_available() && requireNamespace("knitr", quietly = TRUE)
#' knitr::knit_print(initializer_he_normal(seed = 1))
NULL

#' @rdname knit_print
#' @exportS3Method knitr::knit_print
knit_print.pyinit_initializer <- function(x, ...) { # nolint: object_name_linter.
  state <- state_of(x)
  config <- state$config
  is_shown <- names(config) != "seed" & !vapply(config, is.null, NA)
  arguments <- vapply(config[is_shown], show_value, "")
  if ("seed" %in% names(config)) {
    arguments <- c(arguments, seed = shown_seed(state))
  }
  knit_properties(x, state$class_name, arguments)
}

#' @rdname knit_print
#' @exportS3Method knitr::knit_print
knit_print.pyinit_seed_generator <- function(x, ...) { # nolint
  knit_properties(x, "SeedGenerator", c(seed = show_value(x$seed), name = show_value(x$name)))
}

#' @rdname knit_print
#' @exportS3Method knitr::knit_print
knit_print.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  state <- lazy_state(x)
  knit_properties(x, "lazy tensor", c(
    shape = show_shape(state$shape), dtype = state$dtype, initializer = code_of_source(state)
  ))
}

#' @rdname knit_print
#' @exportS3Method knitr::knit_print
knit_print.pyinit_manifest <- function(x, ...) { # nolint: object_name_linter.
  tensors <- as.data.frame(x)
  tensors$fingerprint <- substr(tensors$fingerprint, 1L, 16L)
  tensors$initializer[is.na(tensors$initializer)] <- "fingerprint alone"
  knit_records(x, first_line(format(x)), tensors)
}

#' @rdname knit_print
#' @exportS3Method knitr::knit_print
knit_print.pyinit_check_result <- function(x, ...) { # nolint: object_name_linter.
  knit_records(x, first_line(format(x)), as.data.frame(x))
}

first_line <- function(text) {
  sub("[:.]$", "", strsplit(text, "\n", fixed = TRUE)[[1L]][[1L]])
}

# A table of the properties of an object, one in a row.
knit_properties <- function(x, title, properties) {
  if (length(properties) == 0L) {
    return(knit_table(x, paste0(escape_markdown(title), "\n")))
  }
  rows <- sprintf(
    "| %s | %s |", escape_markdown(names(properties)), escape_markdown(properties)
  )
  knit_table(x, c(sprintf("| %s | |", escape_markdown(title)), "|:--|:--|", rows))
}

# A table with a record in a row, after a title; of many records, only the first.
knit_records <- function(x, title, records) {
  lines <- c(escape_markdown(title), "")
  if (nrow(records) > 0L) {
    shown <- utils::head(records, max_records)
    cells <- do.call(paste, c(lapply(shown, escape_markdown), sep = " | "))
    more <- nrow(records) - max_records
    lines <- c(
      lines,
      sprintf("| %s |", paste(escape_markdown(names(records)), collapse = " | ")),
      sprintf("|%s", strrep(":--|", ncol(records))),
      sprintf("| %s |", cells),
      if (more > 0L) c("", sprintf("%d more", more))
    )
  }
  knit_table(x, lines)
}

max_records <- 20L

# Markdown for knitr; in documents of another format, the text of the console.
knit_table <- function(x, lines) {
  if (!identical(knitr::opts_knit$get("out.format"), "markdown")) {
    return(knitr::normal_print(x))
  }
  knitr::asis_output(paste0("\n\n", paste(lines, collapse = "\n"), "\n\n"))
}

# Escapes a text for Markdown, on one line: special characters become entities. A word joiner,
# which is invisible, keeps MathJax in the page from finding the delimiters of a formula.
escape_markdown <- function(text) {
  text <- gsub("[[:cntrl:]]+", " ", enc2utf8(as.character(text)))
  vapply(strsplit(text, ""), function(characters) {
    is_special <- characters %in% markdown_characters
    entities <- sprintf("&#%d;", vapply(characters[is_special], utf8ToInt, 0L))
    is_delimiter <- characters[is_special] %in% c("$", "\\")
    characters[is_special] <- paste0(entities, ifelse(is_delimiter, "&#8288;", ""))
    paste(characters, collapse = "")
  }, "")
}

markdown_characters <- strsplit("\\`*_{}[]<>#|~$^&@:!\"'-", "")[[1L]]
