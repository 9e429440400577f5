# Manifests: records of a model's initial weights.
#
# In R a manifest is the text of its file, with a class, since a Python object would not outlive the
# session. The Python object is made from the text when it is needed; the last one is kept.

#' Create a manifest of a model's weights
#'
#' @description
#' A manifest records, for each weight of a model, the initializer that draws it and the fingerprint
#' of its values. Anyone can check it later, in R or in Python, on any machine: see
#' [write_manifest()], [verify()] and [materialize()].
#'
#' With `values = TRUE`, it records only fingerprints, of any weights: trained, loaded, or drawn by
#' another library. `verify()` compares them; `materialize()` cannot draw them.
#'
#' @details
#' A plan is a list of tensors, each of them a list with
#' - `name`: a string,
#' - `shape`: its dimensions, whole numbers (`integer()` for a scalar),
#' - `initializer`: an initializer, its name (such as `"he_normal"`), or a list from
#'   [serialize_initializer()],
#' - `dtype`: the name of a dtype, by default [floatx()],
#'
#' or a list with such a list as `tensors` and, optionally, `seed` and `dtype` for all of them. An
#' initializer without a seed gets `derive_seed(seed, name)`. A tensor may also have `axes`,
#' `groups`, `gates`, `draw` or `segments`, as in the file; axes, gates, draws and rows are counted
#' from 0.
#'
#' A manifest can be saved with [saveRDS()]. It can be used like a list of its tensors: `length()`
#' is their number, `names()` returns their names, and `manifest[[1]]`, `manifest[["dense/kernel"]]`
#' and ``manifest$`dense/kernel` `` return an entry of the file. A `for` loop needs the list itself,
#' `as.list(manifest)`. `as.data.frame()` has a row for each tensor, and `as.character()` is the
#' text of the file.
#'
#' Reading files of Keras requires the Python package h5py, which Keras installs.
#'
#' @order 1
#' @param target
#' One of
#' - a plan, see below,
#' - a Keras model (a Python object): with `seed`, the weights and the states of seed generators
#'   that [initialize_model()] gives it; without, the weights that its initializers drew when it was
#'   built,
#' - a torch module (a Python object): the weights that `pyinit.torch.init_(module, seed=seed)`
#'   gives it.
#'
#' With `values = TRUE`, one of
#' - a Keras model or a torch module (a Python object), including the module's buffers,
#' - a named list of arrays, of R or of Python. R doubles are recorded as [floatx()], which must
#'   represent them exactly, R integers as int32 and logicals as bool,
#' - one or more paths: of a Keras file (`.keras`, `.weights.h5`, `.h5`), another HDF5 file, an
#'   `.npz`, `.npy`, safetensors or Arrow file, a folder of safetensors, Arrow or `.npy` files, or a
#'   Zarr group. Only arrays are read; nothing in the file is executed.
#'
#' @param seed
#' The model's seed: a whole number from -2^53 to 2^53, or a seed of [derive_seed()]. It takes
#' precedence over the seed of a plan.
#'
#' @param ...
#' Not used. Later arguments must be named.
#'
#' @param values
#' Whether to record the fingerprints of the current values, without initializers.
#'
#' @param shard
#' The shard to record, such as `"3/8"` or `c(3, 8)` on the third of eight machines: the one that
#' [materialize()] writes. [merge_manifests()] makes the whole manifest from all shards. `NULL`
#' records all tensors.
#'
#' @param max_bytes
#' Largest total size allowed, in bytes.
#'
#' @param max_operations
#' Largest number of floating-point operations allowed for values that are computed together. An
#' orthogonal matrix of m rows and n <= m columns takes 4 m n^2. The default takes about an hour.
#'
#' @param progress
#' A function of the number of bytes done and the total, called from time to time. With `NULL`, an
#' interactive session shows a progress bar after two seconds.
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
#' `"4, 3"`), `dtype`, `initializer` (`NA` if only the fingerprint is recorded) and `fingerprint`.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(
#'   list(name = "dense/kernel", shape = c(4, 3), initializer = initializer_he_normal()),
#'   list(name = "dense/bias", shape = 3, initializer = "zeros")
#' )
#' manifest <- create_manifest(plan, seed = 42)
#' manifest
#' as.data.frame(manifest)
#'
#' create_manifest(list(bias = c(0, 0, 0)), values = TRUE)
create_manifest <- function(target, seed = NULL, ..., values = FALSE, shard = NULL,
                            max_bytes = 2^40, max_operations = 2^48, progress = NULL) {
  check_dots_empty(...)
  check_given()
  shard <- plain_argument("shard", shard)
  max_bytes <- plain_argument("max_bytes", max_bytes)
  max_operations <- plain_argument("max_operations", max_operations)
  values <- as_flag("values", values)
  seed <- as_optional_seed(seed)
  if (values) {
    weights <- weights_to_record(target)
  } else if (is_python_object(target)) {
    weights <- list(values = target)
  } else {
    if (!is.list(target) || is.object(target)) {
      allowed <- "a plan (see ?create_manifest), a Keras model or a torch module"
      stop_type("target", target, paste0(allowed, "; any weights with `values`"))
    }
    weights <- list(values = call_python(manifests_bridge()$plan(plain_plan(target))))
  }
  with_progress(progress, function(show) {
    new_manifest(call_python(manifests_bridge()$create_manifest(
      weights$values, seed, values, as_shard(shard), weights$arrays_of_r, max_bytes,
      max_operations, show
    )))
  })
}

#' Read and write manifests
#'
#' @description
#' `write_manifest()` writes a manifest to a JSON file, and `read_manifest()` reads it. R and Python
#' write the same bytes for the same manifest.
#'
#' @details
#' A manifest from an untrusted source is safe to read: the worst it can do is fail to load. Unknown
#' fields and versions are errors, and nothing in the file is executed, looked up or used as a path.
#'
#' @param file
#' The path of the file. `read_manifest()` reads at most 64 MiB; `write_manifest()` replaces an
#' existing regular file once the new one is whole and on the disk.
#'
#' @param manifest
#' A manifest, see [create_manifest()].
#'
#' @returns
#' `read_manifest()` returns a manifest, `write_manifest()` `NULL`, invisibly.
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' manifest <- create_manifest(list(list(name = "bias", shape = 3, initializer = "zeros")))
#' file <- tempfile(fileext = ".json")
#' write_manifest(manifest, file)
#' read_manifest(file)
read_manifest <- function(file) {
  check_given()
  path <- as_path("file", file)
  new_manifest(call_python(python_package()$read_manifest(path)))
}

#' @rdname read_manifest
#' @export
write_manifest <- function(manifest, file) {
  check_given()
  object <- manifest_object(manifest, "a manifest")
  path <- as_path("file", file)
  call_python(python_package()$write_manifest(object, path))
  invisible()
}

#' Merge the shards of a manifest
#'
#' @description
#' Makes the whole manifest from the shards that several machines have created with
#' [create_manifest()]. It is the same, to the byte, as without shards. A shard that is missing, is
#' given twice or belongs to another manifest is an error.
#'
#' @param manifests
#' A list of shards, or the paths of their files, in any order.
#'
#' @returns
#' A manifest, see [create_manifest()].
#'
#' @export
#' @family reproducibility functions
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(
#'   list(name = "dense/kernel", shape = c(4, 3), initializer = initializer_he_normal()),
#'   list(name = "dense/bias", shape = 3, initializer = "zeros")
#' )
#' first <- create_manifest(plan, seed = 42, shard = "1/2")
#' second <- create_manifest(plan, seed = 42, shard = "2/2")
#' identical(merge_manifests(list(first, second)), create_manifest(plan, seed = 42))
merge_manifests <- function(manifests) {
  check_given()
  allowed <- "a list of shards of a manifest, or the paths of their files"
  if (!is_strings(manifests) && !(is.list(manifests) && !is.object(manifests))) {
    stop_argument("manifests", manifests, allowed)
  }
  check_length("manifests", manifests)
  objects <- lapply(unname(manifests), function(manifest) {
    if (is_string(manifest)) {
      return(as_path("manifests", manifest))
    }
    if (!is_manifest(manifest) && !is_python_object(manifest)) {
      stop_argument("manifests", manifest, allowed)
    }
    manifest_object(manifest)
  })
  new_manifest(call_python(manifests_bridge()$merge_manifests(objects)))
}

new_manifest <- function(object) {
  text <- value_from_python(manifests_bridge()$text_of(object))
  session$manifest <- list(text = text, object = object)
  structure(text, class = "pyinit_manifest")
}

# The Python object of a manifest.
manifest_object <- function(manifest, allowed) {
  if (is_python_object(manifest)) {
    return(manifest)
  }
  if (!is_manifest(manifest)) {
    stop_argument("manifest", manifest, allowed)
  }
  text <- as.character(manifest)
  if (!identical(text, session$manifest$text)) {
    object <- call_python(manifests_bridge()$parse_manifest(text))
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

# A plan, or the element `name` of a plan, in a form that reticulate converts as intended.
plain_plan <- function(plan, name = "target", depth = 0L) {
  if (name == "initializer") {
    return(plain_initializer(plan))
  }
  if (name == "name") {
    return(plain_name(plan))
  }
  if (is.null(plan) || is_python_object(plan)) {
    return(plan)
  }
  switch(name,
    seed = as_fixed_seed(plan),
    dtype = plain_name(plan, name),
    shape = ,
    axes = ,
    gates = ,
    rows = plain_positions(name, plan),
    if (is.list(plan) && !is.object(plan)) {
      plain_list(plan, name, depth)
    } else {
      plain_argument(name, plan)
    }
  )
}

# The name of a tensor or of a dtype in a plan.
plain_name <- function(value, argument = "name") {
  value <- plain_argument(argument, value)
  name <- if (inherits(value, "python.builtin.str")) reticulate::py_to_r(value) else value
  if (!is_string(name) || !nzchar(name) || nchar(name) > 1024L) {
    allowed <- "a string of 1 to 1024 characters"
    stop_argument(argument, value, allowed, class = condition_classes$ManifestError)
  }
  name
}

# Numbers in a plan that are sizes or count axes, gates or rows, as a list: a vector of one number
# would become a scalar. Python checks their values, and its error says which tensor it is.
plain_positions <- function(name, value) {
  if (is_keras_shape(value)) {
    value <- unclass(value)
  }
  value <- plain_argument(name, value)
  numbers <- unlist_numbers(name, value)
  if (!is.numeric(numbers)) {
    allowed <- "a vector or list of whole numbers"
    stop_argument(name, value, allowed, class = condition_classes$ManifestError)
  }
  as.list(unname(numbers))
}

plain_list <- function(plan, name, depth) {
  check_length(name, plan)
  check_nesting(name, plan, depth)
  names <- names_in_utf8(name, plan)
  places <- if (is.null(names)) rep(name, length(plan)) else ifelse(nzchar(names), names, name)
  stats::setNames(Map(plain_plan, plan, places, depth + 1L), names)
}

# The same for an initializer of a plan, its name or its description.
plain_initializer <- function(x) {
  if (is.function(x) && !is_initializer(x) && !is_python_object(x)) {
    stop_argument(
      "initializer", x,
      paste0(allowed_initializer, ", its name, or a list from serialize_initializer()"),
      class = condition_classes$ManifestError
    )
  }
  x <- plain_argument("initializer", x)
  if (is.list(x) && is.list(x$config)) {
    x <- with_exact_seeds(without_empty_lists(x))
    x$config <- python_dict(sequences_as_lists(x$config))
  }
  x
}
