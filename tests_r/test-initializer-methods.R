# str(), summary(), all.equal(), ==, completion and elements.

test_that("what is completed after `$` works", {
  # protects: completion in the console and in RStudio
  generator <- random_seed_generator(1)
  objects <- c(
    lapply(stats::setNames(factories, factories), make),
    list(generator = generator, result = self_test())
  )
  for (name in names(objects)) {
    object <- objects[[name]]
    offered <- utils::.DollarNames(object, "")
    expect_false(anyDuplicated(offered) > 0, label = name)
    for (element in offered) {
      expect_silent(eval(parse(text = paste0("object$", element))))
    }
  }
  expect_setequal(
    utils::.DollarNames(objects$initializer_he_normal, ""),
    c(
      "seed", "input_axes", "output_axes", "batch_axes", "scale", "mode", "distribution",
      "get_config", "clone"
    )
  )
  expect_identical(utils::.DollarNames(generator, "^ne"), "`next`")
  expect_identical(utils::.DollarNames(objects$initializer_constant, "^v"), "value")
  expect_identical(utils::.DollarNames(lazy_tensor(initializer_zeros(), 2), ""), character())
  expect_identical(utils::.DollarNames(objects$result, "^diff"), "differences")
})

test_that("a special case of variance scaling has its elements, as in Python", {
  # protects: initializer$scale of HeNormal
  python <- reticulate::import("pyinit")
  for (name in grep("glorot|he_|lecun", factories, value = TRUE)) {
    initializer <- make(name, seed = 1)
    object <- python[[name]](seed = 1L)
    expect_identical(initializer$scale, object$scale, label = name)
    expect_identical(initializer$mode, object$mode, label = name)
    expect_identical(initializer$distribution, object$distribution, label = name)
  }
  expect_error(initializer_zeros()$scale, "Zeros has no element `scale`", class = "pyinit_error")
  expect_error(initializer_he_normal()$foo, "HeNormal has no element `foo`", class = "pyinit_error")
  saved <- unserialize(serialize(initializer_he_normal(seed = 1), NULL))
  expect_identical(saved$scale, 2)
})

test_that("the seed of Keras' generator is the generator", {
  # protects: initializer$seed, also of an initializer that was saved
  generator <- import_keras()$random$SeedGenerator(5L)
  initializer <- initializer_he_normal(seed = generator)
  expect_identical(reticulate::py_id(initializer$seed), reticulate::py_id(generator))
  saved <- unserialize(serialize(initializer, NULL))
  expect_match(format(saved), "SeedGenerator>)", fixed = TRUE)
  expect_identical(saved(2), initializer_he_normal(seed = 5)(2))
  expect_s3_class(saved$seed, "python.builtin.object")
})

test_that("str() shows one line", {
  # protects: str() of a list of initializers, and of a model's arguments
  expect_output(
    str(initializer_he_normal(seed = 1)), "^ <pyinit initializer> HeNormal\\(seed = 1\\)$"
  )
  expect_output(
    str(random_seed_generator(1, "a")),
    " <pyinit seed generator> random_seed_generator(seed = 1, name = \"a\")", fixed = TRUE
  )
  expect_output(
    str(list(units = 3, init = initializer_zeros())), "\\$ init : <pyinit initializer> Zeros\\(\\)"
  )
})

test_that("summary() gives the fans and the distribution of the values", {
  # protects: the scale of a layer's weights, read before a model is built
  he <- summary(initializer_he_normal(seed = 1), c(3, 3, 16, 32))
  expect_identical(c(he$fan_in, he$fan_out), c(144, 288))
  expect_identical(he$distribution, "truncated_normal")
  expect_equal(he$stddev, sqrt(2 / 144))
  expect_equal(he$maxval, 2 * sqrt(2 / 144) / 0.87962566103423978)
  glorot <- summary(initializer_glorot_uniform(seed = 1), shape = c(100, 50))
  expect_identical(c(glorot$mean, glorot$minval, glorot$maxval), c(0, -0.2, 0.2))
  expect_output(print(glorot), "GlorotUniform(seed = 1)\n  shape         c(100, 50)", fixed = TRUE)
  expect_output(print(glorot), "stddev        0.1154701\n  limits        -0.2 to 0.2", fixed = TRUE)
  identity <- summary(initializer_identity(), c(2, 2))
  expect_null(identity$distribution)
  expect_output(print(identity), "fan_out       2$")
  expect_output(print(summary(initializer_zeros())), "summary(initializer, shape = ", fixed = TRUE)
  expect_argument_error(summary(initializer_zeros(), "a"), "shape")
  expect_argument_error(summary(initializer_orthogonal(), 3), "shape")
  # takes no draw
  generator <- random_seed_generator(1)
  summary(initializer_random_normal(seed = generator), 3)
  expect_identical(generator$`next`(), c(1, 0))
})

test_that("a summary describes the values", {
  # protects: the mean, the standard deviation and the limits against a large sample
  for (name in setdiff(seeded, "initializer_delta_orthogonal")) {
    initializer <- make(name, seed = 1)
    values <- initializer(c(300, 200), "float64")
    found <- summary(initializer, c(300, 200))
    expect_equal(mean(values), found$mean, tolerance = 0.02 * found$stddev, label = name)
    expect_equal(stats::sd(values), found$stddev, tolerance = 0.01, label = name)
    expect_true(min(values) >= found$minval && max(values) <= found$maxval, label = name)
  }
})

test_that("initializers are equal if their calls return the same values", {
  # protects: ==, != and all.equal()
  he <- initializer_he_normal(seed = 1)
  expect_identical(he == initializer_he_normal(seed = 1L), TRUE)
  expect_identical(he != initializer_he_normal(seed = 2), TRUE)
  expect_identical(he == initializer_he_uniform(seed = 1), FALSE)
  expect_identical(he == unserialize(serialize(he, NULL)), TRUE)
  expect_identical(he == from_config(get_config(he)), TRUE)
  expect_identical(he == "he_normal", FALSE)
  expect_identical(initializer_random_normal(0, 1, 3) == initializer_random_normal(0, 2, 3), FALSE)
  expect_identical(initializer_he_normal() == initializer_he_normal(), FALSE)
  expect_true(all.equal(he, initializer_he_normal(seed = 1)))
  expect_equal(he, initializer_he_normal(seed = 1))
  expect_identical(all.equal(he, initializer_he_normal(seed = 2)), "seed: 1, 2")
  expect_identical(
    all.equal(he, initializer_constant(2)),
    c(
      "class: \"HeNormal\", \"Constant\"", "seed: 1, not an argument",
      "input_axes: NULL, not an argument", "output_axes: NULL, not an argument",
      "value: not an argument, 2"
    )
  )
  expect_match(all.equal(he, 3), "not a pyinit initializer")
  expect_error(he < he, "`<` is not defined", class = "pyinit_type_error")
  seed <- derive_seed(1, "a")
  expect_true(all.equal(initializer_he_normal(seed), initializer_he_normal(as.character(seed))))
})

test_that("generators are equal only to themselves", {
  # protects: initializers that share a generator differ from those that do not
  generator <- random_seed_generator(7, "a")
  other <- random_seed_generator(7, "a")
  expect_identical(generator == generator, TRUE)
  expect_identical(generator == other, FALSE)
  expect_true(all.equal(generator, other))
  expect_identical(all.equal(generator, random_seed_generator(8, "a")), "seed: 7, 8")
  expect_match(all.equal(generator, 7), "not a pyinit seed generator")
  initializer <- initializer_he_normal(seed = generator)
  expect_identical(initializer == initializer_he_normal(seed = generator), TRUE)
  expect_identical(initializer == initializer_he_normal(seed = other), FALSE)
  expect_match(all.equal(initializer, initializer_he_normal(seed = other)), "different objects")
})

test_that("a manifest is a list of its tensors", {
  # protects: length(m), names(m), m[[i]], m$name and lapply() agree
  skip_if_not(reticulate::py_module_available("jsonschema"), "needs jsonschema")
  seed <- derive_seed(42, "dense/kernel")
  manifest <- create_manifest(list(
    list(name = "dense/kernel", shape = c(4, 3), initializer = "he_normal"),
    list(name = "bias", shape = 3, initializer = "zeros"),
    list(name = "scalar", shape = integer(), initializer = initializer_constant(2))
  ), seed = 42)
  names <- c("dense/kernel", "bias", "scalar")
  expect_length(manifest, 3)
  expect_identical(names(manifest), names)
  expect_identical(seq_along(manifest), 1:3)
  expect_named(as.list(manifest), names)
  expect_identical(unname(vapply(manifest, function(tensor) tensor$name, "")), names)
  for (i in 1:3) {
    expect_identical(manifest[[i]], manifest[[names[[i]]]])
    expect_identical(manifest[[i]], as.list(manifest)[[i]])
    expect_identical(manifest[[i]]$fingerprint, as.data.frame(manifest)$fingerprint[[i]])
  }
  expect_identical(manifest$bias, manifest[[2]])
  expect_identical(manifest[2:3], as.list(manifest)[2:3])
  kernel <- manifest$`dense/kernel`
  expect_identical(kernel$shape, c(4L, 3L))
  expect_identical(manifest$scalar$shape, integer())
  expect_identical(kernel$initializer$config$seed, seed)
  initializer <- deserialize_initializer(kernel$initializer)
  expect_identical(fingerprint(initializer, kernel$shape), kernel$fingerprint)
  expect_error(manifest$nope, "no tensor \"nope\"", class = "pyinit_index_error")
  expect_error(manifest[[4]], "subscript out of bounds")
  expect_error(manifest$bias <- 1, "cannot be changed", class = "pyinit_error")
  expect_error(manifest[[1]] <- 1, "cannot be changed", class = "pyinit_error")
  expect_error(names(manifest) <- "a", "cannot be changed", class = "pyinit_error")
  expect_setequal(utils::.DollarNames(manifest, ""), c("`dense/kernel`", "bias", "scalar"))
  expect_output(str(manifest), " <pyinit manifest> 3 tensors", fixed = TRUE)
  expect_identical(as.list(create_manifest(list())), stats::setNames(list(), character()))
})
