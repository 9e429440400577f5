# Files of a manifest's weights.

#' Write the weights of a manifest to files
#'
#' @description
#' Draws the weights chunk by chunk, several tensors at a time, so they may be larger than memory. A
#' file gets its name when all of its tensors, read back from it, have the fingerprints in the
#' manifest, and when it is on the disk. So a file is whole or absent, also after a crash.
#'
#' @param path
#' For `"safetensors"`, the file, whose name ends in `.safetensors`. With `shard = "3/8"` and the
#' path `model.safetensors`, the shard's file is `model-00003-of-00008.safetensors`. Each shard also
#' writes the same `model.safetensors.index.json` beside it, which loaders of sharded files read.
#' With `shard` or `shards`, the path may also be an existing folder or have no extension: it is
#' then the folder of the files, whose names start with `model`.
#'
#' For the other formats, a folder. It gets one file for each tensor. For `"zarr"`, its name ends in
#' `.zarr`.
#'
#' @param format
#' One of
#' - `"safetensors"`,
#' - `"arrow"`: a file's name consists of the tensor's position in the manifest and its name, with a
#'   hyphen for each character other than letters, digits and underscores,
#' - `"npy"`, NumPy's format: a file's name is the tensor's, percent-encoded,
#' - `"zarr"`: a Zarr group with an array for each tensor, named like `.npy` files.
#'
#' @param shard
#' The shard to write, such as `"3/8"` or `c(3, 8)` on the third of eight machines. A shard consists
#' of whole tensors; the sizes of the shards are as even as that allows. `NULL` writes all tensors.
#'
#' @param shards
#' The number of shards to write. The files are those that one call with `shard` for each of them
#' would write. With a plan of the future package, such as `future::plan(future::multisession)`, the
#' processes of the plan each write one shard at a time; otherwise, this process writes the shards
#' one after another. `NULL` writes one file, or the one of `shard`.
#'
#' @param existing
#' What to do with files that exist: `"error"` raises an error; `"overwrite"` replaces them;
#' `"keep"` verifies them and draws only the files that are missing, for example to finish a run
#' that was interrupted. With `"keep"`, a file with other weights is an error.
#'
#' @inheritParams verify
#'
#' @details
#' A bfloat16 value is stored as its bits: in Arrow files and Zarr arrays as uint16, in `.npy` files
#' as two bytes. Arrow files require the Python package pyarrow, which the R package installs, and
#' Zarr arrays require zarr 3.0 or newer.
#'
#' With `shards`, an error message names the shard. An error stops the other processes, as an
#' interrupt does: complete shards stay, others leave no file. Processes on other machines need the
#' same folder, and cannot be stopped before their shard is complete.
#'
#' @returns
#' The paths of the files with weights, including those that were kept.
#'
#' @export
#' @family reproducibility functions
#' @seealso
#' + <https://huggingface.co/docs/safetensors/index#format>
#' @examplesIf pyinit_available() && reticulate::py_module_available("jsonschema")
#' plan <- list(list(name = "kernel", shape = c(4, 3), initializer = "he_normal"))
#' manifest <- create_manifest(plan, seed = 42)
#' file <- tempfile(fileext = ".safetensors")
#' materialize(manifest, file)
#' verify(manifest, file)
#'
#' # Four shards in a folder:
#' folder <- tempfile()
#' basename(materialize(manifest, folder, shards = 4))
materialize <- function(manifest, path, ..., format = "safetensors", shard = NULL, shards = NULL,
                        existing = "error", max_bytes = 2^40, max_operations = 2^48,
                        progress = NULL) {
  check_dots_empty(...)
  check_given()
  format <- plain_argument("format", format)
  shard <- plain_argument("shard", shard)
  shards <- plain_argument("shards", shards)
  max_bytes <- plain_argument("max_bytes", max_bytes)
  max_operations <- plain_argument("max_operations", max_operations)
  existing <- plain_argument("existing", existing)
  manifest <- manifest_or_path(manifest)
  path <- as_path("path", path)
  planned <- plan_files(
    manifest, path, format, as_shard(shard), shards, existing, max_bytes, max_operations
  )
  with_r_progress(progress, function(show) {
    if (is.null(shards)) {
      write_shard(planned$object, planned$chosen, show)
    } else if (has_parallel_plan()) {
      arguments <- list(
        manifest = value_from_python(manifests_bridge()$text_of(planned$object$manifest)),
        path = planned$path, format = format, count = shards,
        existing = existing, max_bytes = max_bytes, max_operations = max_operations
      )
      write_in_futures(planned, arguments, show)
    } else {
      write_in_turn(planned, show)
    }
  })
  call_python(manifests_bridge()$write_index(planned$object))
  as.character(unlist(planned$paths))
}

# The Python plan of the files, `object`, and its elements that R needs.
plan_files <- function(...) {
  result <- value_from_python(manifests_bridge()$plan_files(...))
  c(list(object = result[[1L]]), result[[2L]])
}

# Writes the files of one shard.
write_shard <- function(object, index, show) {
  call_python(manifests_bridge()$write_shard(object, index, if (!is.null(show)) for_python(show)))
}

# Writes the shards one after another.
write_in_turn <- function(planned, show) {
  total <- sum(planned$bytes)
  for (index in planned$chosen) {
    before <- sum(planned$bytes[seq_len(index - 1)])
    show_shard <- if (!is.null(show)) function(done, ...) show(before + done, total)
    tryCatch(
      write_shard(planned$object, index, show_shard),
      error = function(error) stop_at_shard(planned, index, error)
    )
  }
}

# Writes the shards in the processes of the user's plan.
write_in_futures <- function(planned, arguments, show) {
  # a file that tells processes on this machine to stop
  arguments$stop <- tempfile("pyinit")
  on.exit(unlink(arguments$stop))
  done <- double(length(planned$chosen))
  report <- function(index, bytes) {
    done[[index]] <<- bytes
    if (!is.null(show)) {
      show(sum(done), sum(planned$bytes))
    }
  }
  withCallingHandlers(
    run_futures(
      run_shard, length(planned$chosen),
      work = function(index) c(arguments, list(index = index)),
      done = function(index) report(index, planned$bytes[[index]]),
      failed = function(index, error) stop_at_shard(planned, index, error),
      cancel = function(running) {
        show <<- NULL
        file.create(arguments$stop)
        await_end(running)
      }
    ),
    pyinit_progress = function(progress) report(progress$index, progress$done)
  )
}

# Writes one shard in a process of the user's plan.
run_shard <- function(work) {
  keep_unused_random_state({
    manifest <- manifest_object(structure(work$manifest, class = "pyinit_manifest"))
    planned <- plan_files(
      manifest, work$path, work$format, list(work$index, work$count), NULL, work$existing,
      work$max_bytes, work$max_operations
    )
    show <- function(done, total) {
      if (file.exists(work$stop)) {
        stop_pyinit("Cancelled")
      }
      # future hands this over before the shard is complete
      signalCondition(structure(
        class = c("pyinit_progress", "immediateCondition", "condition"),
        list(message = "progress", call = NULL, index = work$index, done = done)
      ))
      NULL
    }
    write_shard(planned$object, work$index, show)
    NULL
  })
}

stop_at_shard <- function(planned, index, error) {
  stop_at(sprintf("In shard %.0f/%d", index, length(planned$chosen)), error)
}

# Converts c(3, 8) to a Python list.
as_shard <- function(shard) {
  if (is.numeric(shard)) as.list(shard) else shard
}
