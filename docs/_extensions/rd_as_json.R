# Prints the help pages of a folder as JSON: each element is text or a list of a tag, an option
# and its elements.
#
# Usage: Rscript rd_as_json.R FOLDER
as_elements <- function(rd) {
  tag <- attr(rd, "Rd_tag")
  option <- attr(rd, "Rd_option")
  list(
    tag = if (is.null(tag)) "" else tag,
    option = if (is.null(option)) "" else paste(option, collapse = ""),
    elements = if (is.list(rd)) lapply(rd, as_elements) else paste(rd, collapse = "")
  )
}

files <- list.files(commandArgs(TRUE)[[1]], "[.]Rd$", full.names = TRUE)
names(files) <- sub("[.]Rd$", "", basename(files))
pages <- lapply(files, function(file) as_elements(tools::parse_Rd(file)))
cat(jsonlite::toJSON(pages, auto_unbox = TRUE))
