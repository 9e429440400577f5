# Manifests used like lists of their tensors.

#' @rdname create_manifest
#' @export
as.data.frame.pyinit_manifest <- function(x, row.names = NULL, # nolint: object_name_linter.
                                          optional = FALSE, ...) {
  object <- manifest_object(x)
  columns <- value_from_python(manifests_bridge()$columns(object))
  columns$initializer[columns$initializer == ""] <- NA
  data.frame(lapply(columns, as.character), row.names = row.names)
}

# The tensors of a manifest, as in the file, by name.
tensors_of <- function(manifest) {
  entries <- value_from_python(manifests_bridge()$entries(manifest_object(manifest)))
  entries <- lapply(entries, function(entry) {
    entry$shape <- as.integer(entry$shape)
    entry
  })
  with_exact_seeds(stats::setNames(entries, vapply(entries, `[[`, "", "name")))
}

#' @export
names.pyinit_manifest <- function(x) {
  as.data.frame(x)$name
}

#' @export
as.list.pyinit_manifest <- function(x, ...) { # nolint: object_name_linter.
  tensors_of(x)
}

#' @export
`[.pyinit_manifest` <- function(x, ...) { # nolint: object_name_linter.
  tensors_of(x)[...]
}

#' @export
`[[.pyinit_manifest` <- function(x, i, ...) { # nolint: object_name_linter.
  tensors <- tensors_of(x)
  if (is.character(i) && length(i) == 1L && !i %in% names(tensors)) {
    stop_pyinit("The manifest has no tensor ", show_value(i), class = "pyinit_index_error")
  }
  # R's own error for other indices
  tensors[[i, ...]]
}

#' @export
`$.pyinit_manifest` <- function(x, name) {
  x[[name]]
}

#' @importFrom utils .DollarNames
#' @export
.DollarNames.pyinit_manifest <- function(x, pattern = "") { # nolint: object_name_linter.
  names <- grep(pattern, names(x), value = TRUE)
  ifelse(make.names(names) == names, names, paste0("`", names, "`"))
}

#' @export
`names<-.pyinit_manifest` <- function(x, value) { # nolint: object_name_linter.
  stop_unchangeable()
}

#' @export
`[[<-.pyinit_manifest` <- function(x, i, ..., value) { # nolint: object_name_linter.
  stop_unchangeable()
}

#' @export
`[<-.pyinit_manifest` <- `[[<-.pyinit_manifest` # nolint: object_name_linter.

#' @export
`$<-.pyinit_manifest` <- `[[<-.pyinit_manifest` # nolint: object_name_linter.

stop_unchangeable <- function() {
  stop_pyinit("A manifest cannot be changed: create a new one")
}

#' @importFrom utils str
#' @export
str.pyinit_manifest <- function(object, ...) {
  count <- length(object)
  cat(" <pyinit manifest> ", count, if (count == 1L) " tensor\n" else " tensors\n", sep = "")
}

# Without Python: in the text, each tensor starts with a line of its own.
#' @export
length.pyinit_manifest <- function(x) {
  found <- gregexpr("\n    {\n", as.character(x), fixed = TRUE, useBytes = TRUE)[[1L]]
  sum(found > 0L)
}

#' @export
format.pyinit_manifest <- function(x, ...) {
  call_python(reticulate::py_repr(manifest_object(x)))
}

#' @export
summary.pyinit_manifest <- function(object, ...) object

#' @export
print.pyinit_manifest <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}

#' @importFrom reticulate r_to_py
#' @export
r_to_py.pyinit_manifest <- function(x, convert = FALSE) {
  manifest_object(x)
}
