# Models of Keras.

#' Draws all weights of a model of Keras from one seed
#'
#' @description
#' Every weight of a built model is drawn anew by the initializer that its layer was given, with
#' `derive_seed(seed, path)` in place of the initializer's own seed. So a weight depends on the
#' seed, its path, its shape and its initializer, and not on what other layers there are: layers
#' that are added, removed or reordered leave the others as they were. The same call in Python,
#' `pyinit.keras.initialize(model, seed)`, gives the same weights.
#'
#' @details
#' The path is the names of the layers from the model, which is not counted itself, down to the
#' weight, and the weight's name, joined by slashes: `"encoder/dense/kernel"`. Give layers names:
#' those that Keras makes up (`dense_1`) count the layers made before in the session.
#'
#' Initializers of Keras are taken for those of this package with the same name and arguments.
#' Constant ones give their constant again. Weights that no optimizer trains (moving averages, the
#' state of seed generators) and the state of the optimizer stay as they are; those of frozen layers
#' are drawn. If there are weights that cannot be drawn, an error names them and says why, and the
#' model's weights stay as they were.
#'
#' @param model
#' A built model of Keras, or another layer: a Python object.
#'
#' @param seed
#' A whole number from -2^53 to 2^53, or a seed of [derive_seed()].
#'
#' @returns
#' `model`, invisibly. It is changed in place.
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
#' # The kernel of the layer is now
#' initializer_glorot_uniform(seed = derive_seed(42, "dense/kernel"))(shape = c(4, 3))
initialize_model <- function(model, seed) {
  if (!inherits(model, "python.builtin.object")) {
    stop_type("model", model, "a model of Keras")
  }
  seed <- as_fixed_seed(seed, "a whole number from -2^53 to 2^53, or a seed of derive_seed()")
  call_python(bridge()$initialize_model(model, seed))
  invisible(model)
}
