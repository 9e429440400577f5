# Manifests: a model's initial weights, pinned.
#
# In R a manifest is the text of its file, with a class: a Python object would not outlive the
# session. The object is made from the text when it is needed, and the last one is kept.

#' Pin the initial weights of a model
#'
#' @description
#' A manifest says what draws each weight of a model, and what the fingerprint of its values is. It
#' can be written to a file, and be checked by others, in R or in Python, on other machines and
#' years later: [write_manifest()], [verify()], [materialize()].
#'
#' @details
#' A plan is a list of tensors, each of them a list with
#' - `name`: a string,
#' - `shape`: its dimensions, whole numbers (`integer()` for a scalar),
#' - `initializer`: an initializer, its name (such as `"he_normal"`), or a list from
#'   [serialize_initializer()],
#' - `dtype`: the name of a dtype; [floatx()] if there is none,
#'
#' or a list with such a list as `tensors` and, if need be, `seed` and `dtype` for all of them. An
#' initializer that was made without a seed gets `derive_seed(seed, name)`. A tensor may also have
#' `axes`, `gates`, `draw` or `parts`, as in the file: axes, gates, draws and rows are counted from
#' 0 there.
#'
#' A manifest can be saved with [saveRDS()]. `as.data.frame()` has a row for each tensor, `length()`
#' says how many there are, and `as.character()` gives the text of the file.
#'
#' The Python package jsonschema is needed; [install_pyinit()] installs it.
#'
#' @param target
#' What to pin:
#' - a plan, see below,
#' - a model of Keras (a Python object): with `seed`, the weights that [initialize_model()] gives
#'   it; without, those that its initializers drew when it was built,
#' - a torch module (a Python object): the weights that `pyinit.torch.init_(module, seed=seed)`
#'   gives it.
#'
#' @param seed
#' The seed of the whole model: a whole number from -2^53 to 2^53, or a seed of [derive_seed()].
#'
#' @param ...
#' Not used; the arguments after it must be named.
#'
#' @param max_bytes
#' How many bytes of weights are not too many.
#'
#' @param progress
#' A function that is called with the bytes done and the bytes in all, from time to time. `NULL`
#' shows a bar in an interactive session after two seconds.
#'
#' @param x
#' A manifest.
#'
#' @param row.names,optional
#' As for [as.data.frame()].
#'
#' @returns
#' A manifest, of class `pyinit_manifest`. The model is not changed.
#'
#' `as.data.frame()` returns a data frame of strings with columns `name`, `shape` (such as
#' `"4, 3"`), `dtype`, `initializer` and `fingerprint`.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(
#'   list(name = "dense/kernel", shape = c(4, 3), initializer = initializer_he_normal()),
#'   list(name = "dense/bias", shape = 3, initializer = "zeros")
#' )
#' pinned <- manifest(plan, seed = 42)
#' pinned
#' as.data.frame(pinned)
manifest <- function(target, seed = NULL, ..., max_bytes = 2^40, progress = NULL) {
  check_dots_empty(...)
  check_missing(list(max_bytes = max_bytes))
  if (!is.null(seed)) {
    seed <- as_fixed_seed(
      seed, "a whole number from -2^53 to 2^53, a seed of derive_seed(), or NULL"
    )
  }
  if (!inherits(target, "python.builtin.object")) {
    if (!is.list(target) || is.object(target)) {
      stop_type("target", target, "a plan (see the help), a Keras model or a torch module")
    }
    target <- call_python(manifests_bridge()$plan(plain_plan(target)))
  }
  with_progress(progress, function(show) {
    new_manifest(call_python(manifests_bridge()$create_manifest(target, seed, max_bytes, show)))
  })
}

#' Read and write manifests
#'
#' @description
#' `write_manifest()` writes a manifest to a file, as JSON, and `read_manifest()` reads it. The text
#' depends on the manifest alone, so that R and Python write the same bytes.
#'
#' @details
#' The file may come from someone whom you do not trust. What it says is checked before anything is
#' done with it: unknown fields and versions are refused, nothing in it is run, looked up or taken
#' for a path.
#'
#' @param file
#' The path of the file. One that is read has at most 64 MiB; one that is there already is replaced.
#'
#' @param manifest
#' A [manifest()].
#'
#' @returns
#' `read_manifest()` returns a manifest, `write_manifest()` `NULL`, invisibly.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' pinned <- manifest(list(list(name = "bias", shape = 3, initializer = "zeros")))
#' file <- tempfile(fileext = ".json")
#' write_manifest(pinned, file)
#' read_manifest(file)
read_manifest <- function(file) {
  path <- as_path("file", file)
  new_manifest(call_python(python_package()$read_manifest(path)))
}

#' @rdname read_manifest
#' @export
write_manifest <- function(manifest, file) {
  object <- manifest_object(manifest, "a manifest")
  path <- as_path("file", file)
  call_python(python_package()$write_manifest(object, path))
  invisible()
}

#' Hold weights against a manifest
#'
#' @description
#' Says whether weights are those that a manifest pins, to the last bit, and if not, what differs:
#' the seed, the shape, how many values, whatever is known.
#'
#' @param manifest
#' A [manifest()], or the path of one.
#'
#' @param target
#' What to hold against it:
#' - `NULL`: what this copy of pyinit draws. Nothing is kept; the weights may be larger than memory.
#' - a model of Keras or a torch module (a Python object): the weights that it has now.
#' - a named list of arrays, of R or of Python. Doubles of R are taken for the manifest's dtype of
#'   that tensor if it holds them exactly, and integers for its integer dtype.
#' - the path of a safetensors file, of an Arrow file that [materialize()] has written, of a folder
#'   of such files, or several such paths.
#' - another manifest, or its path: what the two say, without drawing anything.
#'
#' @param part
#' Which part alone to check, such as `"3/8"` or `c(3, 8)`: see [materialize()].
#'
#' @inheritParams manifest
#'
#' @returns
#' An object of class `pyinit_verification`, a list with
#' - `same`: `TRUE` if every tensor of the manifest is there with its shape, its dtype and its
#'   values, and no other; `as.logical()` gives it too,
#' - `checked`, `bytes`: how many tensors were held against it, and how many bytes they have,
#' - `differences`: a data frame with columns `name` and `reason`,
#' - `text`: what is printed.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(list(name = "kernel", shape = c(4, 3), initializer = "he_normal"))
#' pinned <- manifest(plan, seed = 42)
#' verify(pinned)
#'
#' kernel <- initializer_he_normal(seed = derive_seed(42, "kernel"))(shape = c(4, 3))
#' verify(pinned, list(kernel = kernel))$same
#'
#' kernel[2, 1] <- 0
#' verify(pinned, list(kernel = kernel))
verify <- function(manifest, target = NULL, ..., part = NULL, max_bytes = 2^40, progress = NULL) {
  check_dots_empty(...)
  check_missing(list(part = part, max_bytes = max_bytes))
  manifest <- manifest_or_path(manifest)
  target <- as_weights(target)
  with_progress(progress, function(show) {
    found <- reticulate::py_to_r(call_python(manifests_bridge()$verify(
      manifest, target$values, target$arrays_of_r, as_part(part), max_bytes, show
    )))
    new_verification(found)
  })
}

#' Draw the weights of a manifest into files
#'
#' @description
#' The weights are drawn in pieces, several tensors at a time, so they may be larger than memory.
#' What is written is checked: a file has its name only when it is complete and all of its tensors
#' have the fingerprints that the manifest gives.
#'
#' @param path
#' For `"safetensors"`, the file. With `part = "3/8"`, the file of that part is
#' `model-00003-of-00008.safetensors` for `model.safetensors`, and beside it there is
#' `model.safetensors.index.json`, the same from all parts, as loaders of such files expect it.
#'
#' For `"arrow"`, a folder: it gets a file for each tensor, with the tensor's number in the manifest
#' and its name, where every character but letters, digits and underscores is a hyphen.
#'
#' @param format
#' `"safetensors"` or `"arrow"`.
#'
#' @param part
#' Which of how many parts to write, such as `"3/8"` or `c(3, 8)`: each of eight machines writes
#' one. A part is whole tensors, as even in size as these allow. `NULL` is all.
#'
#' @param overwrite
#' Whether files that are there are replaced.
#'
#' @inheritParams verify
#'
#' @returns
#' The paths of the files with weights.
#'
#' @export
#' @family reproducibility functions
#' @seealso
#' + <https://huggingface.co/docs/safetensors/index#format>
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(list(name = "kernel", shape = c(4, 3), initializer = "he_normal"))
#' pinned <- manifest(plan, seed = 42)
#' file <- tempfile(fileext = ".safetensors")
#' materialize(pinned, file)
#' verify(pinned, file)
materialize <- function(manifest, path, ..., format = "safetensors", part = NULL,
                        overwrite = FALSE, max_bytes = 2^40, progress = NULL) {
  check_dots_empty(...)
  check_missing(list(format = format, part = part, max_bytes = max_bytes))
  if (!isTRUE(overwrite) && !isFALSE(overwrite)) {
    stop_argument("overwrite", overwrite, "TRUE or FALSE")
  }
  manifest <- manifest_or_path(manifest)
  path <- as_path("path", path)
  with_progress(progress, function(show) {
    paths <- call_python(manifests_bridge()$materialize(
      manifest, path, format, as_part(part), overwrite, max_bytes, show
    ))
    as.character(reticulate::py_to_r(paths))
  })
}

# The Python module `pyinit.bridges.r.manifest_calls`, imported when it is first needed.
manifests_bridge <- function() {
  bridge()
  if (is.null(session$manifests_bridge)) {
    session$manifests_bridge <- call_python(
      reticulate::import("pyinit.bridges.r.manifest_calls", convert = FALSE)
    )
  }
  session$manifests_bridge
}

new_manifest <- function(object) {
  text <- reticulate::py_to_r(call_python(manifests_bridge()$text_of(object)))
  session$manifest <- list(text = text, object = object)
  structure(text, class = "pyinit_manifest")
}

# The Python object of a manifest, which may be one already.
manifest_object <- function(manifest, allowed) {
  if (inherits(manifest, "python.builtin.object")) {
    return(manifest)
  }
  if (!inherits(manifest, "pyinit_manifest")) {
    stop_argument("manifest", manifest, allowed)
  }
  text <- as.character(manifest)
  if (!identical(text, session$manifest$text)) {
    object <- call_python(manifests_bridge()$manifest_of(text))
    session$manifest <- list(text = text, object = object)
  }
  session$manifest$object
}

manifest_or_path <- function(manifest) {
  if (is_string(manifest)) {
    as_path("manifest", manifest)
  } else {
    manifest_object(manifest, "a manifest or the path of one")
  }
}

is_string <- function(x) {
  is.character(x) && !is.object(x) && length(x) == 1L && !is.na(x)
}

as_path <- function(name, path) {
  if (!is_string(path)) {
    stop_argument(name, path, "a path")
  }
  enc2utf8(path.expand(as.vector(path)))
}

# A plan, or what it has under that name, as what reticulate makes the right things from.
plain_plan <- function(plan, name = "target") {
  if (is.null(plan) || is.object(plan) || !(is.list(plan) || is.atomic(plan))) {
    return(plan)
  }
  if (is.list(plan)) {
    return(if (name == "initializer") plain_description(plan) else plain_list(plan, name))
  }
  check_missing(stats::setNames(list(plan), name))
  switch(name,
    seed = as_fixed_seed(plan, "a whole number from -2^53 to 2^53, or a seed of derive_seed()"),
    # a vector of one number would become a scalar
    shape = ,
    axes = ,
    gates = ,
    rows = as.list(as.vector(unname(plan))),
    if (is.character(plan)) enc2utf8(plan) else plan
  )
}

plain_list <- function(plan, name) {
  names <- names(plan)
  plain <- Map(plain_plan, plan, if (is.null(names)) rep(name, length(plan)) else names)
  stats::setNames(plain, names)
}

# An initializer as serialize_initializer() describes it.
plain_description <- function(description) {
  check_missing(description)
  if (is.list(description$config)) {
    # an empty list would become a Python list
    description$config <- do.call(reticulate::dict, sequences_as_lists(description$config))
  }
  description
}

# What to hold against a manifest: for Python, and which of it is arrays of R.
as_weights <- function(target) {
  if (is.null(target) || inherits(target, "python.builtin.object")) {
    return(list(values = target))
  }
  if (inherits(target, "pyinit_manifest")) {
    return(list(values = manifest_object(target)))
  }
  if (is_paths(target)) {
    paths <- enc2utf8(path.expand(as.vector(target)))
    return(list(values = if (length(paths) == 1L) paths else as.list(paths)))
  }
  named_arrays(target, paste(
    "NULL, a manifest, a Keras model, a torch module, a named list of arrays (each name once),",
    "or paths of files or folders"
  ))
}

is_paths <- function(x) {
  is.character(x) && !is.object(x) && length(x) > 0L && !anyNA(x)
}

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
  names <- enc2utf8(names(target))
  is_of_r <- !vapply(target, inherits, NA, "python.builtin.object")
  target[is_of_r] <- lapply(target[is_of_r], numpy_view, "target", allowed)
  values <- reticulate::dict()
  for (i in seq_along(names)) {
    values$`__setitem__`(names[[i]], target[[i]])
  }
  list(values = values, arrays_of_r = as.list(names[is_of_r]))
}

# c(3, 8) as Python takes it.
as_part <- function(part) {
  if (is.numeric(part)) as.list(as.vector(part)) else part
}

#' @rdname manifest
#' @export
as.data.frame.pyinit_manifest <- function(x, row.names = NULL, # nolint: object_name_linter.
                                          optional = FALSE, ...) {
  object <- manifest_object(x)
  columns <- reticulate::py_to_r(call_python(manifests_bridge()$columns(object)))
  data.frame(lapply(columns, as.character), row.names = row.names)
}

# Without Python: in the text, a line of its own opens each tensor.
#' @export
length.pyinit_manifest <- function(x) {
  found <- gregexpr("\n    {\n", as.character(x), fixed = TRUE, useBytes = TRUE)[[1L]]
  sum(found > 0L)
}

#' @export
format.pyinit_manifest <- function(x, ...) {
  reticulate::py_repr(manifest_object(x))
}

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

new_verification <- function(found) {
  differences <- data.frame(name = as.character(found$names), reason = as.character(found$reasons))
  structure(
    c(found[c("same", "checked", "bytes")], list(differences = differences), found["text"]),
    class = "pyinit_verification"
  )
}

#' @export
as.logical.pyinit_verification <- function(x, ...) { # nolint: object_name_linter.
  x$same
}

#' @export
format.pyinit_verification <- function(x, ...) {
  x$text
}

#' @export
print.pyinit_verification <- function(x, ...) {
  cat(format(x), "\n", sep = "")
  invisible(x)
}
