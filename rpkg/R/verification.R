# Verification: weights compared with a manifest.

#' Compare weights with a manifest
#'
#' @description
#' Checks that weights are exactly those of a manifest, to the last bit, and reports what differs:
#' the seed, the shape, the number of values.
#'
#' @param manifest
#' A manifest, see [create_manifest()], or the path of its file.
#'
#' @param target
#' The weights to compare:
#' - `NULL`: the weights that the installed package draws. They are not kept, so they may be larger
#'   than memory.
#' - a Keras model or a torch module (a Python object): its current weights, and the buffers that
#'   are in the manifest.
#' - a named list of arrays, of R or of Python. R doubles count as the dtype of the manifest's
#'   tensor if that dtype represents them exactly, and R integers as its integer dtype.
#' - one or more paths: of a Keras file (`.keras`, `.weights.h5`, `.h5`), another HDF5 file, an
#'   `.npz`, `.npy` or safetensors file, an Arrow file written by [materialize()], a folder of
#'   safetensors, Arrow or `.npy` files, or a Zarr group. Only arrays are read: no model is built,
#'   and nothing in the file is executed.
#' - another manifest, or its path: the two are compared without drawing anything. Tensors with the
#'   same fingerprint are the same, whatever their initializers.
#'
#' @param shard
#' The shard to check, such as `"3/8"` or `c(3, 8)`, see [materialize()]. `NULL` checks all tensors.
#'
#' @inheritParams create_manifest
#'
#' @returns
#' `TRUE` if the tensors are those of the manifest, with the same shapes, dtypes and values, and
#' otherwise `FALSE`: a logical of length 1 and class `pyinit_verification`, for `if`, `stopifnot()`
#' and `isTRUE()`. `result$same` is the logical alone. The attributes of the result are elements,
#' too:
#' - `checked`, `bytes`: the number of tensors compared, and their size,
#' - `differences`: a data frame with columns `name` and `reason`; also returned by
#'   `as.data.frame()`,
#' - `not_compared`: a data frame with the same columns, of the tensors that could not be compared:
#'   without a `target`, those with only a fingerprint; and the states of Keras' seed generators
#'   that the target (files or a list of arrays) or the manifest lacks,
#' - `text`: the text that `print()` shows, with the first 20 differences.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(list(name = "kernel", shape = c(4, 3), initializer = "he_normal"))
#' manifest <- create_manifest(plan, seed = 42)
#' verify(manifest)
#'
#' kernel <- initializer_he_normal(seed = derive_seed(42, "kernel"))(shape = c(4, 3))
#' stopifnot(verify(manifest, list(kernel = kernel)))
#'
#' kernel[2, 1] <- 0
#' found <- verify(manifest, list(kernel = kernel))
#' found
#' as.data.frame(found)
verify <- function(manifest, target = NULL, ..., shard = NULL, max_bytes = 2^40,
                   max_operations = 2^48, progress = NULL) {
  check_dots_empty(...)
  check_given()
  shard <- plain_argument("shard", shard)
  max_bytes <- plain_argument("max_bytes", max_bytes)
  max_operations <- plain_argument("max_operations", max_operations)
  manifest <- manifest_or_path(manifest)
  target <- as_weights(target)
  with_progress(progress, function(show) {
    found <- value_from_python(manifests_bridge()$verify(
      manifest, target$values, target$arrays_of_r, as_shard(shard), max_bytes, max_operations, show
    ))
    new_verification(found)
  })
}

# The weights to compare, converted for Python, and the names of those that are arrays of R.
as_weights <- function(target, allowed = paste("NULL, a manifest,", allowed_weights)) {
  if (is.null(target) || is_python_object(target)) {
    return(list(values = target))
  }
  if (is_manifest(target)) {
    return(list(values = manifest_object(target)))
  }
  if (is_strings(target)) {
    paths <- as_paths("target", target)
    return(list(values = if (length(paths) == 1L) paths else as.list(paths)))
  }
  named_arrays(target, allowed)
}

# The same for weights to record in a manifest.
weights_to_record <- function(target) {
  if (is.null(target) || is_manifest(target)) {
    stop_type("target", target, allowed_weights)
  }
  as_weights(target, allowed_weights)
}

allowed_weights <- paste(
  "a Keras model, a torch module, a named list of arrays (each name once), or paths of files or",
  "folders"
)

has_unique_names <- function(x) {
  names <- names(x)
  !is.null(names) && !anyNA(names) && all(nzchar(names)) && !anyDuplicated(names)
}

named_arrays <- function(target, allowed) {
  if (!is.list(target) || is.object(target)) {
    stop_type("target", target, allowed)
  }
  if (!has_unique_names(target)) {
    stop_argument("target", target, allowed)
  }
  check_length("target", target)
  names <- as_utf8("target", names(target))
  is_of_r <- !vapply(target, is_python_object, NA)
  target[is_of_r] <- Map(view_of_weight, target[is_of_r], names[is_of_r])
  values <- python_dict()
  for (i in seq_along(names)) {
    values$`__setitem__`(names[[i]], target[[i]])
  }
  list(values = values, arrays_of_r = as.list(names[is_of_r]))
}

view_of_weight <- function(weight, name) {
  place <- paste0("target[[", show_value(name), "]]")
  numpy_view(weight, place, "a double, integer or logical array without a class")
}

new_verification <- function(found) {
  details <- list(
    checked = found$checked,
    bytes = found$bytes,
    differences = reasons_table(found$names, found$reasons),
    not_compared = reasons_table(found$not_compared_names, found$not_compared_reasons),
    text = found$text
  )
  new_check_result(found$same, details, "pyinit_verification")
}

reasons_table <- function(names, reasons) {
  data.frame(name = as.character(names), reason = as.character(reasons))
}

#' @export
format.pyinit_verification <- function(x, ...) {
  x$text
}
