# The Python objects of initializers, generators and lazy tensors are kept apart from them.

# The references that no other process can read, as the package future finds them.
references <- function(x) {
  found <- list()
  serialize(x, NULL, refhook = function(reference) {
    if (!is.environment(reference)) found <<- c(found, reference)
    NULL
  })
  found
}

# Every kind of object, and a call that uses it.
objects <- function() {
  keras <- if (reticulate::py_module_available("keras")) {
    keras_seed <- reticulate::import("keras")$random$SeedGenerator(5L)
    list(list(initializer_he_normal(seed = keras_seed), function(x) x(c(4, 3))))
  }
  c(keras, list(
    list(initializer_he_normal(seed = 1), function(x) x(c(4, 3))),
    list(initializer_he_normal(seed = random_seed_generator(1)), function(x) x(c(4, 3))),
    list(initializer_orthogonal(seed = derive_seed(1, "a")), function(x) reticulate::r_to_py(x)),
    list(initializer_stft(), function(x) x$get_config()),
    list(random_seed_generator(7), function(x) x$`next`()),
    list(lazy_tensor(initializer_he_normal(seed = 1), c(4, 3)), function(x) x[1:2, ]),
    list(get_initializer(matrix(1:4, 2)), function(x) x(c(2, 2)))
  ))
}

test_that("an object can be exported to another process, before and after its use", {
  # protects: future, parallel; saved objects
  for (case in objects()) {
    expect_identical(references(case[[1]]), list())
    case[[2]](case[[1]])
    expect_identical(references(case[[1]]), list())
  }
})

test_that("the digest of an object does not change when it is used", {
  # protects: caches that are keyed by a digest: targets, memoise, knitr
  for (case in objects()) {
    before <- serialize(case[[1]], NULL)
    # calls enough for R to compile the functions
    for (i in 1:5) case[[2]](case[[1]])
    expect_identical(serialize(case[[1]], NULL), before)
    expect_identical(case[[1]], case[[1]])
  }
})

test_that("a future uses an initializer", {
  # protects: future with its strictest check of globals, in a real process
  skip_on_cran()
  skip_if_not_installed("future")
  withr::local_options(future.globals.onReference = "error")
  previous <- future::plan(future::multisession, workers = 2)
  withr::defer(future::plan(previous))
  initializer <- initializer_he_normal(seed = 1)
  weights <- lazy_tensor(initializer, c(4, 3))
  values <- initializer(c(4, 3))
  # a seed, since every call of reticulate reads and writes R's random state
  drawn <- future::value(future::future(
    list(initializer(c(4, 3)), as.array(weights), initializer$scale),
    seed = TRUE
  ))
  expect_identical(drawn, list(values, values, 2))
})

test_that("an object has one Python object, which is released with it", {
  # protects: memory; the identity of a shared initializer in Keras
  initializer <- initializer_he_normal(seed = 1)
  id <- reticulate::py_id(reticulate::r_to_py(initializer))
  initializer(c(4, 3))
  expect_identical(reticulate::py_id(reticulate::r_to_py(initializer)), id)
  copy <- unserialize(serialize(initializer, NULL))
  expect_false(reticulate::py_id(reticulate::r_to_py(copy)) == id)
  weakref <- reticulate::import("weakref", convert = FALSE)
  initializer <- initializer_he_normal(seed = 7)
  reference <- weakref$ref(reticulate::r_to_py(initializer))
  is_alive <- function() {
    # reticulate releases a Python object when R has collected it
    for (i in 1:3) gc()
    !is.null(reticulate::py_to_r(reticulate::py_call(reference)))
  }
  expect_true(is_alive())
  rm(initializer)
  expect_false(is_alive())
})

test_that("an object that serialize() leaves out is left out by all of its versions", {
  # protects: saveRDS(version = 2), identical(), str()
  state <- new.env()
  pyinit:::keep_python_object(state, sum)
  expect_identical(pyinit:::find_python_object(state), sum)
  expect_identical(state$python, integer())
  for (version in 2:3) {
    again <- unserialize(serialize(state, NULL, version = version))
    expect_null(pyinit:::find_python_object(again))
    pyinit:::keep_python_object(again, mean)
    expect_identical(pyinit:::find_python_object(again), mean)
  }
  expect_identical(pyinit:::find_python_object(state), sum)
  expect_null(pyinit:::find_python_object(new.env()))
})
