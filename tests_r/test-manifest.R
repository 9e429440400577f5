# Manifests: created, written, read, verified and materialized.

plan <- list(
  list(name = "dense/kernel", shape = c(4, 3), initializer = initializer_he_normal()),
  list(name = "dense/bias", shape = 3, initializer = "zeros", dtype = "float64"),
  list(name = "gr\u00f6\u00dfe", shape = integer(), initializer = initializer_constant(2)),
  list(
    name = "transposed", shape = c(10, 4), axes = c(1, 0), draw = 2, dtype = "bfloat16",
    initializer = serialize_initializer(initializer_random_normal(seed = derive_seed(1, "x")))
  ),
  list(name = "rows", shape = c(4, 2), segments = list(
    list(rows = c(0, 4), initializer = initializer_ones()),
    list(rows = c(1, 2), initializer = serialize_initializer(initializer_zeros()))
  )),
  list(name = "count", shape = c(2, 2), initializer = initializer_constant(2^40), dtype = "int64"),
  list(name = "mask", shape = 2, initializer = "ones", dtype = "bool")
)
pinned <- create_manifest(plan, seed = 42)

# The weights of the plan, as R arrays.
arrays <- list(
  `dense/kernel` = initializer_he_normal(seed = derive_seed(42, "dense/kernel"))(c(4, 3)),
  `dense/bias` = c(0, 0, 0),
  "gr\u00f6\u00dfe" = 2,
  transposed = local({
    generator <- random_seed_generator(derive_seed(1, "x"))
    initializer <- initializer_random_normal(seed = generator)
    for (draw in 0:2) values <- initializer(c(4, 10), "bfloat16")
    t(values)
  }),
  rows = matrix(c(1, 0, 1, 1), 4, 2),
  count = matrix(2^40, 2, 2),
  mask = c(TRUE, TRUE)
)

bytes_of <- function(file) readBin(file, "raw", file.size(file))

manifest_file <- function(manifest = pinned, env = parent.frame()) {
  file <- withr::local_tempfile(fileext = ".json", .local_envir = env)
  write_manifest(manifest, file)
  file
}

test_that("R and Python write the same bytes", {
  # protects: manifests that are compared as files
  code <- "
import sys, pyinit
seed = pyinit.derive_seed(1, 'x')
plan = [
    dict(name='dense/kernel', shape=(4, 3), initializer=pyinit.HeNormal()),
    dict(name='dense/bias', shape=(3,), initializer='zeros', dtype='float64'),
    dict(name='gr\u00f6\u00dfe', shape=(), initializer=pyinit.Constant(2.0)),
    dict(name='transposed', shape=(10, 4), axes=(1, 0), draw=2, dtype='bfloat16',
         initializer=pyinit.RandomNormal(0.0, seed=seed)),
    dict(name='rows', shape=(4, 2), segments=[
        dict(rows=(0, 4), initializer=pyinit.Ones()),
        dict(rows=(1, 2), initializer=pyinit.Zeros()),
    ]),
    dict(name='count', shape=(2, 2), initializer=pyinit.Constant(2.0**40), dtype='int64'),
    dict(name='mask', shape=(2,), initializer='ones', dtype='bool'),
]
pyinit.write_manifest(pyinit.create_manifest(plan, 42), sys.argv[1])
"
  script <- withr::local_tempfile(fileext = ".py")
  writeLines(enc2utf8(code), script, useBytes = TRUE)
  theirs <- withr::local_tempfile(fileext = ".json")
  status <- system2(reticulate::py_config()$python, shQuote(c(script, theirs)))
  expect_identical(status, 0L)
  ours <- manifest_file()
  expect_identical(bytes_of(ours), bytes_of(theirs))
  expect_identical(read_manifest(theirs), pinned)
  expect_identical(read_manifest(ours), pinned)
})

test_that("a manifest prints and converts to a data frame", {
  # protects: print() and as.data.frame()
  expect_output(print(pinned), "Manifest of 7 tensors", fixed = TRUE)
  expect_output(print(summary(pinned)), "Manifest of 7 tensors", fixed = TRUE)
  expect_output(print(pinned), "dense/kernel [4, 3] float32, HeNormal", fixed = TRUE)
  expect_length(pinned, 7)
  expect_length(create_manifest(list()), 0)
  table <- as.data.frame(pinned)
  expect_identical(names(table), c("name", "shape", "dtype", "initializer", "fingerprint"))
  expect_identical(table$name, vapply(plan, `[[`, "", "name"))
  expect_identical(table$shape[1:3], c("4, 3", "3", ""))
  expect_identical(table$initializer[[5]], "Ones and Zeros")
  initializer <- initializer_he_normal(seed = derive_seed(42, "dense/kernel"))
  expect_identical(table$fingerprint[[1]], fingerprint(initializer, c(4, 3)))
  expect_identical(dim(as.data.frame(create_manifest(list()))), c(0L, 5L))
  expect_s3_class(reticulate::r_to_py(pinned), "pyinit.manifests.model.Manifest")
})

test_that("a manifest can be saved and read in another session", {
  # protects: manifests in saved R sessions
  file <- withr::local_tempfile(fileext = ".rds")
  saveRDS(pinned, file)
  expect_identical(readRDS(file), pinned)
  output <- run_r(c(
    "library(pyinit)",
    sprintf("pinned <- readRDS('%s')", file),
    "print(verify(pinned))"
  ))
  expect_match(tail(output, 1), "^The same: 7 tensors")
})

test_that("seeds can come from derive_seed() or from the plan", {
  # protects: 64-bit seeds
  one <- plan[1]
  expect_identical(create_manifest(list(tensors = one, seed = 42)), create_manifest(one, 42))
  seed <- derive_seed(42, "model")
  derived <- create_manifest(one, seed)
  expect_identical(create_manifest(list(tensors = one, seed = seed)), derived)
  initializer <- initializer_he_normal(seed = derive_seed(seed, "dense/kernel"))
  expect_identical(as.data.frame(derived)$fingerprint, fingerprint(initializer, c(4, 3)))
  in_float16 <- create_manifest(list(tensors = one, dtype = "float16"), 1)
  expect_identical(as.data.frame(in_float16)$dtype, "float16")
  drawn <- list(list(
    name = "a", shape = 3, initializer = initializer_he_normal(seed = random_seed_generator(1))
  ))
  first <- as.data.frame(create_manifest(drawn))$fingerprint
  expect_identical(first, fingerprint(initializer_he_normal(seed = 1), 3))
})

test_that("R arrays are compared with a manifest", {
  # protects: doubles for every dtype, scalars, integers, logicals; the reasons
  found <- verify(pinned, arrays)
  expect_s3_class(found, "pyinit_verification")
  expect_true(found$same, label = format(found))
  expect_true(isTRUE(found))
  expect_identical(found$checked, 7)
  expect_identical(found$bytes, 4 * 12 + 8 * 3 + 4 + 2 * 40 + 4 * 8 + 8 * 4 + 2)
  expect_output(print(found), "^The same: 7 tensors, 222 bytes[.]")
  expect_true(verify(pinned, lapply(arrays, as_numpy)[c("dense/bias", "mask")])$checked == 7)

  other <- arrays
  other$`dense/kernel`[2, 1] <- 1
  other$rows <- t(other$rows)
  other$`dense/bias` <- c(0L, 0L, 0L)
  other$mask <- NULL
  other$more <- 1
  other$transposed[1] <- 0.1 # which no bfloat16 is
  found <- verify(pinned, other)
  expect_false(found$same)
  reasons <- stats::setNames(found$differences$reason, found$differences$name)
  expect_match(reasons[["dense/kernel"]], "1 of 12 values differ")
  expect_match(reasons[["dense/kernel"]], "[1, 0]", fixed = TRUE)
  expect_match(reasons[["rows"]], "the shape is [2, 4], not [4, 2]", fixed = TRUE)
  expect_match(reasons[["dense/bias"]], "the dtype is int32, not float64")
  expect_match(reasons[["transposed"]], "the dtype is float64, not bfloat16")
  expect_match(reasons[["mask"]], "missing")
  expect_match(reasons[["more"]], "not in the manifest")
  expect_length(reasons, 6)
  expect_output(print(found), "^DIFFERENT: 6 differences; checked ")
  expect_false(verify(pinned, stats::setNames(list(), character())))
})

test_that("R integers count as the manifest's integer dtype if it represents them", {
  # protects: R's one type of integers
  small <- create_manifest(list(
    list(name = "a", shape = 2, initializer = initializer_constant(200), dtype = "uint8")
  ))
  expect_true(verify(small, list(a = c(200L, 200L))))
  expect_true(verify(small, list(a = c(200, 200))))
  expect_match(verify(small, list(a = c(200L, 300L)))$differences$reason, "the dtype is int32")
})

test_that("manifests are compared with each other and with drawn weights", {
  # protects: the other targets, shards, paths
  file <- manifest_file()
  expect_true(verify(pinned))
  expect_true(verify(file, pinned))
  expect_true(verify(pinned, file))
  shards <- list(verify(pinned, shard = "1/2"), verify(pinned, shard = c(2, 2)))
  expect_identical(sum(vapply(shards, `[[`, 0, "checked")), 7)
  other <- verify(pinned, create_manifest(plan, seed = 43))
  expect_identical(other$differences$name, "dense/kernel")
  expect_match(other$differences$reason, "the seed is", fixed = TRUE)
  withr::local_envvar(HOME = dirname(file))
  expect_true(verify(file.path("~", basename(file))))
})

test_that("shards of a manifest are merged", {
  # protects: manifests that several machines create
  shards <- lapply(1:3, function(k) create_manifest(plan, seed = 42, shard = c(k, 3)))
  expect_match(format(shards[[2]])[[1]], "Shard 2/3 of a manifest", fixed = TRUE)
  expect_identical(merge_manifests(rev(shards)), pinned)
  files <- file.path(withr::local_tempdir(), sprintf("%d.json", 1:3))
  Map(write_manifest, shards, files)
  expect_identical(merge_manifests(files), pinned)
  expect_identical(merge_manifests(list(files[[1]], shards[[3]], files[[2]])), pinned)
  expect_identical(create_manifest(plan, seed = 42, shard = "2/3"), shards[[2]])
  expect_true(verify(shards[[2]]))
  error <- expect_error(merge_manifests(shards[-2]), class = "pyinit_manifest_error")
  expect_match(conditionMessage(error), "these shards are missing: 2/3", fixed = TRUE)
  for (manifests in list(NULL, 1, NA_character_, list(1), pinned, character(), list())) {
    expect_argument_error(merge_manifests(manifests), "manifests")
  }
  for (shard in list("0/2", 1, TRUE)) {
    expect_argument_error(create_manifest(plan, seed = 42, shard = shard), "shard")
  }
})

test_that("weights are written to files and read from them", {
  # protects: both formats, shards, and the files of Python's readers
  folder <- withr::local_tempdir()
  file <- file.path(folder, "model.safetensors")
  expect_identical(materialize(pinned, file), file)
  expect_true(verify(pinned, file))
  error <- expect_error(materialize(pinned, file), class = "pyinit_os_error")
  expect_match(conditionMessage(error), "^already exists")
  expect_match(conditionMessage(error), "`existing`", fixed = TRUE)
  for (existing in c("overwrite", "keep")) {
    expect_identical(materialize(manifest_file(), file, existing = existing), file)
  }
  other <- create_manifest(plan, seed = 43)
  error <- expect_error(
    materialize(other, file, existing = "keep"),
    class = "pyinit_difference_error"
  )
  expect_match(conditionMessage(error), file, fixed = TRUE)

  shards <- c(materialize(pinned, file, shard = "1/2"), materialize(pinned, file, shard = c(2, 2)))
  expect_identical(basename(shards), sprintf("model-0000%d-of-00002.safetensors", 1:2))
  expect_true(verify(pinned, shards))
  expect_true(file.exists(paste0(file, ".index.json")))

  npy <- withr::local_tempdir()
  files <- materialize(pinned, npy, format = "npy")
  expect_length(files, 7)
  expect_true("dense%2Fkernel.npy" %in% basename(files))
  expect_true(verify(pinned, npy))

  arrow <- withr::local_tempdir()
  files <- materialize(pinned, arrow, format = "arrow")
  expect_length(files, 7)
  expect_true(verify(pinned, files))
  expect_true(verify(pinned, arrow))
})

test_that("a manifest of a Keras model is created and verified", {
  # protects: models, and the weights that initialize_model() draws
  keras <- import_keras()
  model <- keras$Sequential(list(
    keras$Input(list(4L)),
    keras$layers$Dense(3L, kernel_initializer = initializer_he_normal(), name = "dense")
  ))
  initialize_model(model, 42)
  expected <- create_manifest(model, 42)
  expect_identical(as.data.frame(expected)$fingerprint[[1]], as.data.frame(pinned)$fingerprint[[1]])
  expect_true(verify(expected, model))
  initialize_model(model, 43)
  found <- verify(expected, model)
  expect_identical(found$differences$name, "dense/kernel")
  error <- expect_error(create_manifest(model, 42), class = "pyinit_difference_error")
  expect_s3_class(error, "pyinit_value_error")
  expect_match(conditionMessage(error), "dense/kernel", fixed = TRUE)
  expect_match(conditionMessage(error), "initialize_model(model, 42)", fixed = TRUE)
})

test_that("a manifest records the fingerprints of any weights", {
  # protects: values = TRUE, from arrays, models and files
  weights <- list(kernel = matrix(c(1, 2, 3, 4), 2), count = 1:3, mask = c(TRUE, FALSE))
  expected <- create_manifest(weights, values = TRUE)
  table <- as.data.frame(expected)
  expect_identical(table$dtype, c("float32", "int32", "bool"))
  expect_identical(table$initializer, rep(NA_character_, 3))
  expect_identical(table$fingerprint[[1]], fingerprint(weights$kernel))
  expect_output(print(expected), "kernel [2, 2] float32, fingerprint alone", fixed = TRUE)
  expect_identical(read_manifest(manifest_file(expected)), expected)
  expect_true(verify(expected, weights)$same)
  other <- utils::modifyList(weights, list(count = 1:3 + 1L))
  found <- verify(expected, other)
  expect_identical(found$differences$name, "count")
  expect_match(found$differences$reason, "^the fingerprint is ")
  expect_identical(nrow(found$not_compared), 0L)

  numpy <- reticulate::import("numpy", convert = FALSE)
  file <- withr::local_tempfile(fileext = ".npz")
  numpy$savez(file, kernel = numpy$float32(as_numpy(weights$kernel)))
  of_file <- create_manifest(file, values = TRUE)
  expect_identical(as.data.frame(of_file)$fingerprint, table$fingerprint[[1]])
  expect_true(verify(of_file, file)$same)
  expect_true(verify(of_file, weights["kernel"])$same)

  error <- expect_error(verify(expected), class = "pyinit_manifest_error")
  expect_match(conditionMessage(error), "pass the weights to compare as `target`", fixed = TRUE)
  unwritten <- withr::local_tempfile(fileext = ".safetensors")
  expect_error(materialize(expected, unwritten), "cannot be drawn", class = "pyinit_manifest_error")
  expect_false(file.exists(unwritten))
})

test_that("the arguments of values = TRUE are checked", {
  # protects: the error messages
  weights <- list(kernel = 0.1)
  error <- expect_argument_error(create_manifest(weights, values = TRUE), 'target[["kernel"]]')
  expect_match(conditionMessage(error), "Received: one with the value 0.1$")
  expect_match(conditionMessage(error), "set_floatx()", fixed = TRUE)
  for (values in list(NA, 1, "yes", NULL, c(TRUE, TRUE))) {
    expect_argument_error(create_manifest(plan, 1, values = values), "values")
  }
  expect_identical(create_manifest(plan, 1, values = matrix(FALSE)), create_manifest(plan, 1))
  expect_argument_error(create_manifest(list(kernel = 1), 1, values = TRUE), "seed")
  for (target in list(NULL, 1, mean, pinned, data.frame(a = 1))) {
    error <- expect_argument_error(
      create_manifest(target, values = TRUE), "target", "pyinit_type_error"
    )
    expect_match(conditionMessage(error), "must be a Keras model", fixed = TRUE)
  }
  expect_argument_error(
    create_manifest(list(a = "b"), values = TRUE), 'target[["a"]]', "pyinit_type_error"
  )
  for (target in list(list(1), list(a = 1, a = 2))) {
    expect_argument_error(create_manifest(target, values = TRUE), "target")
  }
  error <- expect_argument_error(create_manifest("w.npz"), "target", "pyinit_type_error")
  expect_match(conditionMessage(error), "any weights with `values`", fixed = TRUE)
  expect_error(create_manifest("w.npz", values = TRUE), class = "pyinit_os_error")
})

test_that("Keras' files are verified, except for what they do not contain", {
  # protects: saved models, without building them
  skip_if_not(reticulate::py_module_available("h5py"), "needs h5py")
  keras <- import_keras()
  model <- keras$Sequential(list(
    keras$Input(list(4L)), keras$layers$Dense(3L, name = "dense"),
    keras$layers$Dropout(0.5, name = "drop")
  ))
  initialize_model(model, 42)
  expected <- create_manifest(model, 42)
  file <- withr::local_tempfile(fileext = ".keras")
  model$save(file)
  found <- verify(expected, file)
  expect_true(found$same, label = format(found))
  expect_identical(found$not_compared$name, "drop/seed_generator_state")
  expect_match(format(found), "Not compared, since the target has no states", fixed = TRUE)
  expect_true(verify(create_manifest(file, values = TRUE), model)$same)
})

test_that("an invalid manifest is an error that gives the reason", {
  # protects: untrusted files, without Python's traceback
  refused <- function(pattern, replacement) {
    lines <- sub(pattern, replacement, readLines(manifest_file(), encoding = "UTF-8"))
    file <- withr::local_tempfile(fileext = ".json")
    writeLines(lines, file, useBytes = TRUE)
    error <- expect_error(read_manifest(file), class = "pyinit_manifest_error")
    expect_s3_class(error, "pyinit_value_error")
    expect_error(verify(file), class = "pyinit_manifest_error")
    conditionMessage(error)
  }
  expect_match(refused('"stream_version": 1', '"stream_version": 2'), "stream_version is 2")
  expect_match(refused('"format_version": 1', '"format_version": 2'), "format_version is 2")
  expect_match(refused('"HeNormal"', '"os.system"'), "class_name must be one of")
  expect_match(refused("^[{]", "["), "not JSON")
  error <- expect_error(read_manifest("/nowhere/a.json"), class = "pyinit_os_error")
  expect_match(conditionMessage(error), "^No such file or directory")
  expect_error(write_manifest(pinned, "/nowhere/a.json"), class = "pyinit_os_error")
})

test_that("an invalid plan is an error that names the tensor", {
  # protects: the error messages of plans
  refused <- function(..., class = "pyinit_manifest_error") {
    entry <- utils::modifyList(list(name = "a", shape = 2, initializer = "zeros"), list(...))
    conditionMessage(expect_error(create_manifest(list(entry)), class = class))
  }
  expect_match(refused(shape = c(2, -1)), "tensors[0] ('a'): Argument `shape`", fixed = TRUE)
  expect_match(refused(shape = 1.5), "`shape`")
  expect_match(refused(initializer = "nope"), "nope")
  expect_match(refused(initializer = list(class_name = "Nope", config = list())), "Nope")
  expect_match(refused(initializer = mean), "`initializer`")
  expect_match(refused(initializer = get_initializer(c(1, 2))), "`initializer`")
  expect_match(refused(initializer = initializer_he_normal()), "has no seed")
  expect_match(refused(initialiser = "zeros"), "unknown field 'initialiser'")
  expect_match(refused(shape = c(2e5, 2e5, 2e5)), "more than the limit of 1.0 TiB")
  expect_match(refused(name = NA_character_, class = "pyinit_value_error"), "`name`")
  expect_match(refused(shape = NA, class = "pyinit_value_error"), "`shape`")
  error <- expect_error(create_manifest(list(1)), class = "pyinit_manifest_error")
  expect_match(conditionMessage(error), "must be a named list. Received: 1", fixed = TRUE)
  for (target in list(NULL, 1, "a.json", mean, data.frame(a = 1), list(name = "a"))) {
    expect_argument_error(create_manifest(target), "target", "pyinit_type_error")
  }
  for (seed in list(1.5, "a", NA, random_seed_generator(1))) {
    expect_argument_error(create_manifest(plan, seed), "seed")
    expect_argument_error(create_manifest(list(tensors = plan, seed = seed)), "seed")
  }
})

test_that("the work of orthogonal matrices is limited", {
  # protects: hours of work for a manifest of somebody else
  for (max_operations in list(0, 1.5, NA, "a")) {
    expect_argument_error(
      create_manifest(plan, 1, max_operations = max_operations), "max_operations"
    )
  }
  orthogonal <- list(list(name = "q", shape = c(20, 10), initializer = "orthogonal"))
  made <- create_manifest(orthogonal, 1, max_operations = 4 * 20 * 10^2)
  for (refused in expression(
    create_manifest(orthogonal, 1, max_operations = 7999),
    verify(made, max_operations = 7999),
    materialize(made, tempfile(fileext = ".safetensors"), max_operations = 7999)
  )) {
    expect_error(eval(refused), "max_operations", class = "pyinit_manifest_error")
  }
})

test_that("bad arguments are errors", {
  # protects: the error messages of the Python package
  expect_error(create_manifest(plan, 1, 2), "2", class = "pyinit_type_error")
  expect_error(verify(pinned, arrays, "1/2"), "1/2", class = "pyinit_type_error")
  for (max_bytes in list(0, 1.5, NA, "a")) {
    expect_argument_error(create_manifest(plan, 1, max_bytes = max_bytes), "max_bytes")
  }
  expect_error(verify(pinned, max_bytes = 10), "max_bytes", class = "pyinit_manifest_error")
  expect_argument_error(verify(1), "manifest")
  expect_argument_error(verify(c("a", "b")), "manifest")
  expect_argument_error(write_manifest("a.json", "b.json"), "manifest")
  expect_argument_error(read_manifest(1), "file")
  expect_argument_error(read_manifest(NA_character_), "file")
  for (target in list(unname(arrays), list(1), list(a = 1, 2), list(a = 1, a = 2), list())) {
    expect_argument_error(verify(pinned, target), "target")
  }
  for (target in list(1, mean, character(), data.frame(a = 1))) {
    expect_argument_error(verify(pinned, target), "target", "pyinit_type_error")
  }
  for (target in list(list(a = "b"), list(a = NULL))) {
    expect_argument_error(verify(pinned, target), 'target[["a"]]', "pyinit_type_error")
  }
  for (shard in list("0/2", "3/2", 1, c(1, 2, 3), c(1.5, 2), NA, TRUE)) {
    expect_argument_error(verify(pinned, shard = shard), "shard")
  }
  expect_argument_error(verify(pinned, progress = 1), "progress")
  file <- withr::local_tempfile(fileext = ".safetensors")
  expect_argument_error(materialize(pinned, 1), "path")
  expect_argument_error(materialize(pinned, file, format = "npz"), "format")
  for (existing in list(NA, "yes", TRUE, 1, c("keep", "error"), NULL)) {
    expect_argument_error(materialize(pinned, file, existing = existing), "existing")
  }
  expect_false(file.exists(file))
})

test_that("a progress function is called with doubles", {
  # protects: sizes beyond 32 bits; errors of the user's own function
  calls <- list()
  note <- function(done, total) {
    calls[[length(calls) + 1L]] <<- c(done, total)
  }
  verify(pinned, progress = note)
  expect_identical(calls[[length(calls)]], c(222, 222))
  large <- manifest_file()
  zeros <- withr::local_tempfile(fileext = ".json")
  lines <- c(
    "library(pyinit)",
    sprintf("lines <- readLines('%s')", large),
    "lines <- sub('[4, 3]', '[40000, 30000]', lines, fixed = TRUE)",
    sprintf("writeLines(lines, '%s', useBytes = TRUE)", zeros),
    "tryCatch(",
    sprintf("  verify('%s', progress = function(done, total) {", zeros),
    "    cat(typeof(done), typeof(total), total == 4 * 40000 * 30000 + 174, '')",
    "    stop('enough')",
    "  }),",
    "  error = function(error) cat(conditionMessage(error))",
    ")"
  )
  expect_match(tail(run_r(lines), 1), "^double double TRUE enough$")
})

test_that("the progress bar appears after some time", {
  # protects: interactive sessions
  bar <- pyinit:::progress_bar(after = 60)
  expect_silent(bar$show(1, 2))
  expect_silent(bar$close())
  bar <- pyinit:::progress_bar(after = 0)
  expect_output(
    {
      bar$show(2^40, 2^41)
      bar$close()
    },
    "50%"
  )
})

test_that("an interrupt ends long work", {
  # protects: Ctrl-C
  skip_on_cran()
  skip_on_os("windows")
  file <- manifest_file()
  log <- withr::local_tempfile()
  said <- start_r(log = log, code = c(
    "library(pyinit)",
    sprintf("lines <- readLines('%s')", file),
    "file <- tempfile(fileext = '.json')",
    "writeLines(sub('[4, 3]', '[200000, 200000]', lines, fixed = TRUE), file, useBytes = TRUE)",
    "say('pid', Sys.getpid())",
    "noted <- FALSE",
    "tryCatch(",
    "  verify(file, progress = function(done, total) {",
    "    if (!noted) say('at work')",
    "    noted <<- TRUE",
    "  }),",
    "  interrupt = function(condition) say('interrupted')",
    ")",
    "small <- create_manifest(list(list(name = 'a', shape = 2, initializer = 'ones')))",
    "stopifnot(verify(small)$same)",
    "say('goes on')"
  ))
  pid <- as.integer(sub("pid ", "", said("pid ")))
  withr::defer(tools::pskill(pid, tools::SIGKILL))
  expect_identical(said("at work"), "at work")
  tools::pskill(pid, tools::SIGINT)
  expect_identical(said("interrupted"), "interrupted")
  expect_identical(said("goes on"), "goes on")
})
