# Keras models.

#' Initialize all weights of a Keras model from one seed
#'
#' @description
#' Sets every weight of a built model to its initial value. Each random weight is drawn again by the
#' initializer of its layer, with `derive_seed(seed, path)` in place of the initializer's own seed.
#' So a weight depends on the seed, its path, its shape and its initializer, but not on other
#' layers: adding, removing or reordering layers leaves the others unchanged. The same call in
#' Python, `pyinit.keras.initialize(model, seed)`, gives the same weights.
#'
#' @details
#' The path consists of the names of the layers from the model (excluded) down to the weight, and
#' the weight's name, joined by slashes: `"encoder/dense/kernel"`. Give layers names: the default
#' names of Keras (`dense_1`) depend on the layers created before in the session.
#'
#' Keras' own initializers are replaced by those of this package with the same name and arguments.
#' Constant ones give their constant again. The same holds for weights made with `trainable = FALSE`
#' and for those of frozen layers: fixed projections and power-iteration vectors are drawn; moving
#' averages, adapted statistics and counters return to their initial values. A seed generator starts
#' again with its seed; without one, with `derive_seed(seed, path)` modulo 2^31. The state of a
#' stateful RNN becomes zero. Metrics and the optimizer are unchanged.
#'
#' If a weight cannot be drawn, such as the kernel of a quantized layer, an error names it and gives
#' the reason, and all weights of the model are unchanged.
#'
#' @param model
#' A built Keras model, or another layer: a Python object.
#'
#' @param seed
#' A whole number from -2^53 to 2^53, or a seed of [derive_seed()].
#'
#' @returns
#' `model`, invisibly. It is modified in place.
#'
#' @export
#' @family seeds
#' @examplesIf pyinit_available() && reticulate::py_module_available("keras")
#' keras <- reticulate::import("keras")
#' model <- keras$Sequential(list(
#'   keras$Input(list(4L)),
#'   keras$layers$Dense(3L, name = "dense")
#' ))
#' initialize_model(model, seed = 42)
#'
#' # Its kernel is the same as
#' initializer_glorot_uniform(seed = derive_seed(42, "dense/kernel"))(shape = c(4, 3))
initialize_model <- function(model, seed) {
  check_given()
  if (!is_python_object(model)) {
    stop_type("model", model, "a Keras model")
  }
  seed <- as_fixed_seed(seed)
  call_python(bridge()$initialize_model(model, seed))
  invisible(model)
}
