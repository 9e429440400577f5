# Initializers in R: signatures, calls, printing, saving.

test_that("the R and the Python factories have the same names, arguments and defaults", {
  # protects: every public name has its twin in the other language
  inspect <- reticulate::import("inspect")
  python <- reticulate::import("pyinit")
  expect_setequal(
    factories, grep("^initializer_", reticulate::py_list_attributes(python), value = TRUE)
  )
  for (name in factories) {
    signature <- inspect$signature(python[[name]])
    defaults <- reticulate::iterate(
      signature$parameters$values(), function(parameter) parameter$default
    )
    names(defaults) <- unlist(reticulate::iterate(
      signature$parameters$values(), function(parameter) parameter$name
    ))
    arguments <- lapply(formals(getExportedValue("pyinit", name)), eval)
    # reticulate converts Python's integers to R integers, which equal R's doubles
    expect_equal(arguments, as.pairlist(defaults) |> as.list(), label = name)
  }
})

test_that("an initializer is a function whose arguments are those of Python's call", {
  # protects: `initializer(shape, dtype, ...)` by position and by name
  inspect <- reticulate::import("inspect")
  signature <- inspect$signature(reticulate::import("pyinit")$Initializer$`__call__`)
  python <- unlist(reticulate::iterate(
    signature$parameters$values(), function(parameter) parameter$name
  ))
  initializer <- initializer_zeros()
  expect_true(is.function(initializer))
  expect_s3_class(initializer, "pyinit_initializer")
  expect_identical(names(formals(initializer))[1:2], c("shape", "dtype"))
  expect_setequal(
    setdiff(names(formals(initializer)), "..."),
    setdiff(python, c("self", "others", "out", "layout"))
  )
})

test_that("every initializer draws the same array as in Python", {
  # protects: the whole path from the R factory to the array, bit for bit
  numpy <- reticulate::import("numpy", convert = FALSE)
  for (name in factories) {
    seed <- if (name %in% seeded) list(seed = 3L) else list()
    initializer <- do.call(make, c(name, seed))
    shape <- shape_for(name)
    values <- initializer(shape = shape)
    expect_identical(dim(values), as.integer(shape))
    python <- reticulate::r_to_py(initializer)
    expected <- reticulate::py_call(python, reticulate::tuple(as.list(as.integer(shape))))
    expect_identical(values, as_r_array(numpy$array(expected, dtype = "float64")), label = name)
  }
})

test_that("the bounds of a truncated normal distribution arrive, infinite ones too", {
  # protects: lower and upper, their values, their configuration and the printed form
  python <- reticulate::import("pyinit", convert = FALSE)
  for (bounds in list(c(-1, 3), c(0, Inf), c(-Inf, 0.5), c(-Inf, Inf), c(-2, 2))) {
    initializer <- initializer_truncated_normal(0.5, 2, 3, bounds[[1]], bounds[[2]])
    values <- initializer(c(5, 3), "float64")
    theirs <- python$TruncatedNormal(0.5, 2, 3L, bounds[[1]], bounds[[2]])
    drawn <- reticulate::py_call(theirs, reticulate::tuple(5L, 3L), "float64")
    expect_identical(values, as_r_array(drawn))
    expect_true(all(values >= 0.5 + 2 * bounds[[1]] & values <= 0.5 + 2 * bounds[[2]]))
    expect_identical(c(initializer$lower, initializer$upper), bounds)
    again <- initializer$clone()
    expect_identical(again(c(5, 3), "float64"), values)
    typed <- sub("<pyinit initializer> TruncatedNormal", "initializer_truncated_normal",
      format(initializer),
      fixed = TRUE
    )
    expect_identical(eval(str2lang(typed))(c(5, 3), "float64"), values)
  }
  expect_named(get_config(initializer), c("mean", "stddev", "seed"))
  expect_identical(get_config(initializer_truncated_normal(upper = Inf))$upper, Inf)
})

test_that("integers and doubles are interchangeable", {
  # protects: `seed = 1` and `seed = 1L` are one seed, `shape = c(2, 2)` needs no L
  values <- initializer_he_normal(seed = 1)(shape = c(2, 2))
  expect_identical(initializer_he_normal(seed = 1L)(shape = c(2L, 2L)), values)
  expect_identical(
    initializer_stft(window = 1)(c(1, 1, 3)), initializer_stft(window = list(1))(c(1, 1, 3))
  )
})

test_that("another dtype or a slice is the same draw", {
  # protects: the arguments of the call arrive
  initializer <- initializer_random_normal(seed = 5)
  full <- initializer(c(6, 4), "float64")
  partition <- initializer(
    c(6, 4), dtype = "float64", partition_shape = c(2, 3), partition_offset = c(4, 1)
  )
  expect_identical(partition, full[5:6, 2:4])
  expect_equal(initializer(c(6, 4)), full, tolerance = 1e-6)
})

test_that("print() and format() show the arguments and the seed in use", {
  # protects: text that a user copies from the console
  expect_identical(
    format(initializer_variance_scaling(seed = 42L)),
    paste0(
      "<pyinit initializer> VarianceScaling(scale = 1, mode = \"fan_in\", ",
      "distribution = \"truncated_normal\", seed = 42)"
    )
  )
  expect_output(print(initializer_zeros()), "<pyinit initializer> Zeros()", fixed = TRUE)
  expect_match(
    format(initializer_stft(window = NULL)), "STFT(side = \"real\", window = NULL", fixed = TRUE
  )
  unseeded <- initializer_he_normal()
  expect_match(format(unseeded), paste0("HeNormal(seed = ", unseeded$seed, ")"), fixed = TRUE)
  shared <- initializer_orthogonal(seed = random_seed_generator(7, name = "w"))
  expect_match(
    format(shared), "gain = 1, seed = random_seed_generator(seed = 7, name = \"w\")", fixed = TRUE
  )
  keras_seed <- import_keras()$random$SeedGenerator(5L)
  expect_match(format(initializer_he_normal(seed = keras_seed)), "SeedGenerator>)", fixed = TRUE)
})

test_that("elements are read as in Python", {
  # protects: `initializer$seed`, `initializer$scale`, `initializer$get_config()`
  initializer <- initializer_variance_scaling(scale = 2, seed = 2^40)
  expect_identical(initializer$seed, 2^40)
  expect_identical(initializer$scale, 2)
  expect_null(initializer$input_axes)
  expect_identical(initializer$get_config(), get_config(initializer))
  expect_identical(get_config(initializer$clone()), get_config(initializer))
  expect_identical(reticulate::py_to_r(initializer$`__class__`$`__name__`), "VarianceScaling")
  expect_error(initializer$foo, "VarianceScaling has no element `foo`", class = "pyinit_error")
})

test_that("an initializer can be saved and read in another session", {
  # protects: reproducible weights; seeds drawn from R, and shared generators
  generator <- random_seed_generator(7)
  drawn <- random_seed_generator()
  saved <- list(
    plain = initializer_variance_scaling(scale = 2, seed = 3),
    unseeded = initializer_he_uniform(),
    first = initializer_random_normal(seed = generator),
    second = initializer_random_normal(seed = generator),
    drawn = initializer_random_uniform(seed = drawn),
    keras = initializer_he_normal(seed = import_keras()$random$SeedGenerator(5L))
  )
  file <- withr::local_tempfile(fileext = ".rds")
  result <- withr::local_tempfile(fileext = ".rds")
  saveRDS(saved, file)
  output <- run_r(c(
    sprintf("saved <- readRDS('%s')", file),
    "printed <- lapply(saved, format)", # without Python
    "values <- lapply(saved, function(initializer) initializer(c(2, 2)))",
    "configs <- lapply(saved, pyinit::get_config)",
    sprintf("saveRDS(list(printed, values, configs), '%s')", result)
  ))
  expect_true(file.exists(result), info = paste(output, collapse = "\n"))
  read <- readRDS(result)
  expect_identical(read[[1]][1:5], lapply(saved[1:5], format))
  expect_identical(read[[2]], lapply(saved, function(initializer) initializer(c(2, 2))))
  expect_identical(read[[3]], lapply(saved, get_config))
})

test_that("initializers work in lists and with lapply() and do.call()", {
  # protects: R's functions treat an initializer as an ordinary function
  initializers <- lapply(1:3, initializer_he_normal)
  values <- lapply(initializers, function(initializer) initializer(c(2, 2)))
  expect_false(identical(values[[1]], values[[2]]))
  expect_identical(do.call(initializers[[1]], list(shape = c(2, 2))), values[[1]])
})

test_that("an array is the initial value of a tensor", {
  # protects: initial values at their positions, in every way an initializer travels
  values <- matrix(c(1.5, -2, 0.25, 3, 0, 7), nrow = 2, dimnames = list(c("a", "b"), NULL))
  plain <- unname(values)
  initializer <- initializer_constant(values)
  expect_identical(initializer(c(2, 3)), plain)
  part <- initializer(c(2, 3), partition_shape = c(1, 2), partition_offset = c(1, 1))
  expect_identical(part, plain[2, 2:3, drop = FALSE])
  expect_identical(initializer$value, plain)
  expect_identical(unclass(get_config(initializer))$value, plain)
  expect_identical(serialize_initializer(initializer)$config, list(value = plain))
  expect_match(format(initializer), "Constant(value = matrix(c(1.5, -2, 0.25", fixed = TRUE)
  file <- withr::local_tempfile()
  saveRDS(initializer, file)
  python <- reticulate::import("pyinit", convert = FALSE)
  for (again in list(
    from_config(get_config(initializer)),
    deserialize_initializer(serialize_initializer(initializer)),
    initializer$clone(),
    readRDS(file),
    get_initializer(reticulate::r_to_py(initializer)),
    get_initializer(python$Constant(as_numpy(values)))
  )) {
    expect_s3_class(again, "pyinit_initializer")
    expect_identical(again(c(2, 3)), plain)
    expect_identical(get_config(again), get_config(initializer))
  }
  expect_identical(fingerprint(initializer, c(2, 3)), fingerprint(plain))
})

test_that("vectors, logicals, integers and arrays of any rank are initial values", {
  # protects: the types of R, and NumPy's broadcasting instead of recycling
  expect_identical(initializer_constant(c(1, 2, 3))(c(2, 3)), rbind(c(1, 2, 3), c(1, 2, 3)))
  expect_identical(initializer_constant(1:3)(3, dtype = "int32"), array(1:3))
  expect_identical(initializer_constant(c(TRUE, FALSE))(2, dtype = "bool"), array(c(TRUE, FALSE)))
  cube <- array(seq(0.5, 12, 0.5), c(2, 3, 4))
  expect_identical(initializer_constant(cube)(c(2, 3, 4)), cube)
  expect_identical(initializer_constant(matrix(5))(c(2, 2)), matrix(5, 2, 2))
  expect_identical(initializer_constant(c(NaN, Inf))(2), array(c(NaN, Inf)))
  expect_argument_error(initializer_constant(c(1, 2))(c(2, 3)), "shape")
  expect_argument_error(initializer_constant(matrix(1:6, 2))(c(3, 2)), "shape")
  expect_argument_error(initializer_constant(c(1, NA)), "value")
  expect_argument_error(initializer_constant(c(0.5, 1))(2, dtype = "int8"), "value")
})

test_that("lazy tensors of an array survive saveRDS()", {
  # protects: the values, which the configuration of a lazy tensor holds
  values <- matrix(c(1, 2, 3, 4, 5, 6), nrow = 2)
  weights <- lazy_tensor(initializer_constant(values), c(2, 3))
  file <- withr::local_tempfile()
  saveRDS(weights, file)
  expect_identical(readRDS(file)[2, ], c(2, 4, 6))
})

test_that("a Keras layer starts from an R array", {
  # protects: initializer_constant(matrix) in a layer, saved and pinned
  keras <- import_keras()
  values <- matrix(c(1, 2, 3, 4, 5, 6), nrow = 2)
  layer <- keras$layers$Dense(3L, kernel_initializer = initializer_constant(values))
  layer$build(list(NULL, 2L))
  expect_identical(weight_values(layer$kernel), values)
  plan <- list(list(name = "kernel", shape = c(2, 3), initializer = initializer_constant(values)))
  file <- withr::local_tempfile(fileext = ".json")
  write_manifest(create_manifest(plan), file)
  expect_true(verify(file, list(kernel = values))$same)
})
