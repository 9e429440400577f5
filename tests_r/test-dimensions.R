# Arguments with dimensions, such as the result of var(), and shapes of other packages.

skip_if_not(reticulate::py_module_available("jsonschema"), "needs jsonschema")

zeros <- initializer_zeros()
plan <- list(list(name = "a", shape = c(2, 2), initializer = "he_normal"))
manifest <- create_manifest(plan, seed = 1)

# Calls for each exported function with numeric arguments, and the values of these arguments.
calls <- list(
  initializer_constant = list(value = 2),
  initializer_identity = list(gain = 2),
  initializer_dirac = list(groups = 2),
  initializer_random_normal = list(mean = 1, stddev = 2, seed = 3),
  initializer_random_uniform = list(minval = 1, maxval = 2, seed = 3),
  initializer_truncated_normal = list(mean = 1, stddev = 2, seed = 3, lower = -1, upper = 3),
  initializer_variance_scaling = list(scale = 2, seed = 3, batch_axes = 0),
  initializer_orthogonal = list(gain = 2, seed = 3, batch_axes = 0),
  initializer_delta_orthogonal = list(gain = 2, seed = 3),
  initializer_stft = list(window = 2),
  initializer_glorot_normal = list(seed = 3, batch_axes = 0),
  initializer_glorot_uniform = list(seed = 3, batch_axes = 0),
  initializer_he_normal = list(seed = 3, batch_axes = 0),
  initializer_he_uniform = list(seed = 3, batch_axes = 0),
  initializer_lecun_normal = list(seed = 3, batch_axes = 0),
  initializer_lecun_uniform = list(seed = 3, batch_axes = 0),
  initializer_xavier_normal = list(gain = 2, seed = 3, batch_axes = 0),
  initializer_xavier_uniform = list(gain = 2, seed = 3, batch_axes = 0),
  initializer_kaiming_normal = list(a = 0.5, seed = 3, batch_axes = 0),
  initializer_kaiming_uniform = list(a = 0.5, seed = 3, batch_axes = 0),
  calculate_gain = list(nonlinearity = "leaky_relu", param = 0.5),
  random_seed_generator = list(seed = 3),
  set_random_seed = list(seed = 3),
  derive_seed = list(seed = 3, name = "a"),
  compute_fans = list(shape = c(2, 3, 4), input_axes = 0, output_axes = 1, batch_axes = 2),
  set_num_threads = list(n = 1),
  lazy_tensor = list(initializer = zeros, shape = 3),
  map_partitions = list(initializer = zeros, shape = 3, fun = length, rows = 2),
  fingerprint = list(x = zeros, shape = 3),
  create_manifest = list(
    target = plan, seed = 3, shard = c(1, 1), max_bytes = 1000, max_operations = 1e9
  ),
  verify = list(manifest = manifest, shard = c(1, 1), max_bytes = 1000, max_operations = 1e9),
  materialize = list(
    manifest = manifest, path = "a.safetensors", shard = c(1, 1), max_bytes = 1000,
    max_operations = 1e9
  ),
  materialize = list(manifest = manifest, path = "a.safetensors", shards = 2),
  signal_propagation = list(
    initializers = "he_normal", depth = 2, width = 4, batch_size = 3, seed = 5
  ),
  plot_signal = list(initializers = "he_normal", depth = 2, width = 4, batch_size = 3, seed = 5),
  initialize_model = list(model = reticulate::import_builtins(), seed = 3)
)

# The arguments that are no numbers.
others <- c(
  "...", "nonlinearity", "values", "side", "scaling", "periodic", "mode", "distribution", "name",
  "dtype", "device", "target", "progress", "format", "existing", "path", "file", "manifest",
  "manifests", "initializer", "identifier", "config", "custom_objects", "object", "x", "model",
  "envname", "fun", "method", "conda", "pip", "python_version", "initializers", "activation"
)

numeric_arguments <- function(call) {
  names(Filter(is.numeric, call))
}

test_that("the calls of this test have every numeric argument", {
  # protects: functions that are added later
  for (name in getNamespaceExports("pyinit")) {
    arguments <- setdiff(names(formals(getExportedValue("pyinit", name))), others)
    if (length(arguments) > 0 && name != "install_pyinit") {
      given <- lapply(calls[names(calls) == name], numeric_arguments)
      expect_setequal(as.character(unlist(given)), arguments)
    }
  }
})

# The result of a call in a form that can be compared.
result_of <- function(name, arguments) {
  withr::local_dir(withr::local_tempdir())
  withr::defer(set_num_threads(NULL))
  found <- do.call(getExportedValue("pyinit", name), arguments)
  if (inherits(found, "pyinit_lazy_tensor")) {
    return(as.array(found))
  }
  # without the generated name of a generator
  sub("name = .*", "", format(found))
}

test_that("a number with dimensions is a number, in every argument of every function", {
  # protects: initializer_random_normal(stddev = sqrt(var(x))), where x is a matrix
  for (k in which(names(calls) != "initialize_model")) {
    name <- names(calls)[[k]]
    expected <- result_of(name, calls[[k]])
    for (argument in numeric_arguments(calls[[k]])) {
      value <- calls[[k]][[argument]]
      with_dim <- array(value, if (length(value) == 1) c(1, 1) else length(value))
      arguments <- calls[[k]]
      arguments[[argument]] <- with_dim
      expect_identical(result_of(name, arguments), expected, label = paste(name, argument))
    }
  }
})

test_that("other dimensions are an error that names the argument", {
  # protects: the same; reticulate's error is about the version of NumPy
  # initializer_constant() takes an array
  for (k in which(names(calls) != "initializer_constant")) {
    name <- names(calls)[[k]]
    for (argument in numeric_arguments(calls[[k]])) {
      value <- calls[[k]][[argument]]
      two <- matrix(c(value, value), 1)
      for (wrong in list(two, two[, 0, drop = FALSE], data.frame(a = value))) {
        arguments <- calls[[k]]
        arguments[[argument]] <- wrong
        expect_argument_error(do.call(getExportedValue("pyinit", name), arguments), argument)
      }
    }
  }
})

test_that("an argument of a call may have dimensions too", {
  # protects: shapes and slices that are computed
  expect_identical(zeros(matrix(3)), zeros(3))
  expect_identical(zeros(array(c(2, 3))), zeros(c(2, 3)))
  expect_argument_error(zeros(matrix(c(2, 3), 1)), "shape")
  one <- array(1)
  expect_identical(zeros(3, partition_shape = one, partition_offset = matrix(2)), zeros(1))
  two <- matrix(1:2)
  expect_argument_error(zeros(3, partition_shape = two, partition_offset = 2), "partition_shape")
  expect_argument_error(zeros(3, partition_shape = 1, partition_offset = two), "partition_offset")
  expect_identical(zeros(3, matrix("float64"), device = array("cpu")), zeros(3))
  error <- expect_argument_error(initializer_constant(data.frame(a = 1)), "value")
  expect_match(conditionMessage(error), "without a class (its class is data.frame", fixed = TRUE)
  expect_identical(initializer_stft(periodic = matrix(TRUE))$periodic, TRUE)
  expect_identical(initializer_random_normal(stddev = stats::var(matrix(c(1, 3))))$stddev, 2)
})

test_that("shapes of Python and of keras3 are shapes", {
  # protects: dim of a tensor, as it is
  expected <- zeros(c(2, 3))
  shapes <- list(
    reticulate::tuple(2L, 3L),
    # as keras3::shape() makes it
    structure(list(2L, 3L), class = "keras_shape"),
    structure(list(2, 3), class = "keras_shape"),
    reticulate::r_to_py(list(2L, 3L)),
    reticulate::import("numpy", convert = FALSE)$array(list(2L, 3L))
  )
  for (shape in shapes) {
    expect_identical(zeros(shape), expected)
    expect_identical(compute_fans(shape), compute_fans(c(2, 3)))
    expect_identical(dim(lazy_tensor(zeros, shape)), c(2L, 3L))
    expect_identical(fingerprint(zeros, shape), fingerprint(zeros, c(2, 3)))
    entry <- list(name = "a", shape = shape, initializer = "zeros")
    expect_identical(create_manifest(list(entry))[[1]]$shape, c(2L, 3L))
  }
  expect_identical(zeros(reticulate::tuple()), zeros(integer()))
  partition <- zeros(
    shapes[[1]], partition_shape = shapes[[1]], partition_offset = reticulate::tuple(0L, 0L)
  )
  expect_identical(partition, expected)
  expect_argument_error(zeros(reticulate::tuple(2.5)), "shape")
  expect_argument_error(zeros(reticulate::py_eval("3", FALSE)), "shape")
  error <- expect_argument_error(zeros(reticulate::tuple(2L, NULL)), "shape")
  expect_match(conditionMessage(error), "is NULL). Received: shape = list(2, NULL)", fixed = TRUE)
})

test_that("a TensorShape is a shape", {
  # protects: the shape of a tensor of TensorFlow
  skip_if_not(reticulate::py_module_available("tensorflow"), "needs TensorFlow")
  tensorflow <- reticulate::import("tensorflow", convert = FALSE)
  shape <- tensorflow$zeros(list(2L, 3L))$shape
  expect_s3_class(shape, "tensorflow.python.framework.tensor_shape.TensorShape")
  expect_identical(zeros(shape), zeros(c(2, 3)))
  expect_identical(compute_fans(shape), compute_fans(c(2, 3)))
  expect_argument_error(zeros(tensorflow$TensorShape(list(2L, NULL))), "shape")
  expect_argument_error(zeros(tensorflow$TensorShape(NULL)), "shape")
})
