# Passing an initializer from R to a Keras layer.

skip_on_cran()
keras <- import_keras()

kernel_of <- function(layer) {
  layer$build(c(4L, 4L))
  weight_values(layer$kernel)
}

initializer <- initializer_he_normal(seed = 1)
expected <- initializer(c(4, 3))

# A short version of how keras3 passes the arguments of a layer: it takes them from the call, wraps
# plain functions as Python functions, and leaves the rest to reticulate. (keras3 itself may not be
# installed.)
keras3_like_layer <- function(layer_class) {
  function(object, ...) {
    call <- match.call(expand.dots = TRUE)
    arguments <- as.list(call)[-1L]
    arguments$object <- NULL
    arguments <- lapply(arguments, eval, parent.frame())
    arguments <- lapply(arguments, function(argument) {
      if (inherits(argument, "python.builtin.object") || !identical(class(argument), "function")) {
        argument
      } else {
        reticulate::py_func(argument)
      }
    })
    layer <- do.call(layer_class, arguments)
    if (missing(object)) {
      return(layer)
    }
    if (inherits(object, "keras.src.models.sequential.Sequential")) {
      object$add(layer)
      invisible(object)
    } else {
      layer(object)
    }
  }
}

test_that("an initializer can be passed in every way that R passes arguments", {
  # protects: do.call(), lists of arguments, Map(), pipes, names, matched calls
  dense <- keras$layers$Dense
  arguments <- list(units = 3L, kernel_initializer = initializer)
  named <- list(he = initializer, zeros = initializer_zeros())
  wrapped <- function(...) dense(units = 3L, ...)
  by_call <- function(units, kernel_initializer) {
    call <- match.call()
    call[[1L]] <- dense
    eval(call, parent.frame())
  }
  layers <- list(
    do.call(dense, arguments),
    do.call("dense", arguments),
    do.call(dense, utils::modifyList(list(units = 3L), list(kernel_initializer = initializer))),
    dense(3L, kernel_initializer = named$he),
    dense(3L, kernel_initializer = named[["he"]]),
    wrapped(kernel_initializer = initializer),
    by_call(units = 3L, kernel_initializer = initializer),
    initializer |> (\(x) dense(3L, kernel_initializer = x))(),
    Map(function(x) dense(3L, kernel_initializer = x), list(initializer))[[1L]],
    eval(bquote(dense(3L, kernel_initializer = .(initializer)))),
    dense(3L, kernel_initializer = get_initializer(initializer)),
    dense(3L, kernel_initializer = Reduce(function(a, b) b, list(1, initializer)))
  )
  for (layer in layers) {
    expect_identical(kernel_of(layer), expected)
  }
})

test_that("an initializer can be kept in a list, an environment or a file", {
  # protects: initializers stored beside other arguments
  kept <- list(initializer, initializer_ones())
  environment <- new.env()
  assign("kept", kept[[1L]], envir = environment)
  expect_s3_class(unlist(kept)[[1L]], "pyinit_initializer")
  expect_s3_class(rapply(kept, identity, how = "list")[[1L]], "pyinit_initializer")
  file <- withr::local_tempfile(fileext = ".rds")
  saveRDS(kept, file)
  for (one in list(rev(kept)[[2L]], get("kept", envir = environment), readRDS(file)[[1L]])) {
    expect_identical(kernel_of(keras$layers$Dense(3L, kernel_initializer = one)), expected)
  }
})

test_that("an initializer passes the checks of other packages", {
  # protects: packages that check arguments before passing them to Keras
  expect_true(is.function(initializer))
  expect_true(is.function(match.fun(initializer)))
  expect_identical(names(formals(initializer))[1:2], c("shape", "dtype"))
  expect_identical(names(formals(args(initializer)))[1:2], c("shape", "dtype"))
  expect_false(is.primitive(initializer))
  expect_s3_class(initializer, "function")
  # keras3 wraps functions of this class alone as Python functions
  expect_false(identical(class(initializer), "function"))
  # not yet a Python object: reticulate converts it
  expect_false(inherits(initializer, "python.builtin.object"))
  object <- reticulate::r_to_py(initializer)
  expect_s3_class(object, "python.builtin.object")
  expect_identical(kernel_of(keras$layers$Dense(3L, kernel_initializer = object)), expected)
  expect_identical(reticulate::py_id(reticulate::r_to_py(initializer)), reticulate::py_id(object))
  expect_true(keras$initializers$get(initializer)$seed == 1)
})

test_that("layers created as in keras3 get the initializer itself", {
  # protects: keras3::layer_dense(kernel_initializer = initializer), also with a pipe
  layer_dense <- keras3_like_layer(keras$layers$Dense)
  layer <- layer_dense(units = 3L, kernel_initializer = initializer)
  expect_identical(kernel_of(layer), expected)
  expect_identical(
    reticulate::py_id(layer$kernel_initializer), reticulate::py_id(reticulate::r_to_py(initializer))
  )
  model <- keras$Sequential() |>
    layer_dense(units = 3L, kernel_initializer = initializer_he_normal(seed = 1)) |>
    layer_dense(units = 2L, kernel_initializer = "he_normal", bias_initializer = initializer_ones())
  model$build(list(NULL, 4L))
  expect_identical(weight_values(model$layers[[1L]]$kernel), expected)
  expect_identical(weight_values(model$layers[[2L]]$bias), initializer_ones()(2))
})

test_that("the initializer arguments of various layers accept an initializer", {
  # protects: layers beyond Dense
  layers <- keras$layers
  build <- function(layer, ...) {
    layer$build(c(...))
    layer
  }
  cases <- list(
    list(
      build(layers$Embedding(5L, 3L, embeddings_initializer = initializer), 2L)$embeddings,
      5, 3
    ),
    list(
      build(layers$Conv2D(3L, 3L, kernel_initializer = initializer), 1L, 8L, 8L, 2L)$kernel,
      3, 3, 2, 3
    ),
    list(
      build(
        layers$SeparableConv1D(3L, 3L, pointwise_initializer = initializer), 1L, 8L, 2L
      )$pointwise_kernel,
      1, 2, 3
    ),
    list(
      build(layers$LSTM(3L, recurrent_initializer = initializer), 1L, 8L, 2L)$cell$recurrent_kernel,
      3, 12
    ),
    list(build(layers$LayerNormalization(gamma_initializer = initializer), 1L, 5L)$gamma, 5)
  )
  for (case in cases) {
    shape <- unlist(case[-1L])
    expect_identical(weight_values(case[[1L]]), initializer(shape), label = toString(shape))
  }
  variable <- keras$Variable(initializer, shape = c(4L, 3L))
  expect_identical(weight_values(variable), expected)
})

test_that("get_initializer() makes an initializer of an array", {
  # protects: existing weights, in R and in a layer
  values <- matrix(as.numeric(1:12), 4, 3)
  initializer <- get_initializer(values)
  expect_true(is.function(initializer))
  expect_identical(initializer(c(4, 3)), values)
  expect_argument_error(initializer(c(3, 4)), "shape")
  expect_argument_error(initializer(4, 3), "dtype")
  expect_output(print(get_initializer(c(1, 2))), "^<pyinit initializer> get_initializer[(]c[(]1, 2")
  expect_output(str(get_initializer(c(1, 2))), "<pyinit initializer> get_initializer", fixed = TRUE)
  expect_error(initializer(c(4, 3), "float32", 1), "1", class = "pyinit_type_error")
  expect_identical(kernel_of(keras$layers$Dense(3L, kernel_initializer = initializer)), values)
  again <- unserialize(serialize(initializer, NULL))
  expect_identical(again(c(4, 3)), values)
  # a later change of the array does not affect the initializer
  values[1, 1] <- 100
  expect_identical(initializer(c(4, 3))[1, 1], 1)
  expect_identical(get_initializer(c(TRUE, FALSE))(2, "bool"), array(c(TRUE, FALSE)))
  expect_identical(get_initializer(1:3)(3, "int32"), array(1:3))
  expect_argument_error(get_initializer(NA_integer_), "identifier")
})
