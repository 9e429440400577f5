# Carl joins with another seed.
library(pyinit)
manifest <- read_manifest("manifest.json")
keras <- reticulate::import("keras")
carls_model <- function(units, seed) {
  model <- keras$Sequential(list(
    keras$Input(list(4L)),
    keras$layers$Dense(
      as.integer(units), "relu",
      kernel_initializer = initializer_he_normal(), name = "hidden"
    ),
    keras$layers$Dense(3L, kernel_initializer = initializer_glorot_uniform(), name = "species")
  ))
  initialize_model(model, seed)
}
verify(manifest, create_manifest(carls_model(16, seed = 43), seed = 43))

# The right seed, but one unit too many.
model <- carls_model(17, seed = 42)
verify(manifest, create_manifest(model, seed = 42))

# The right model, but one weight has changed.
model <- carls_model(16, seed = 42)
hidden <- initializer_he_normal(seed = derive_seed(42, "hidden/kernel"))(c(4, 16))
hidden[2, 3] <- 0
invisible(model$get_layer("hidden")$kernel$assign(as_numpy(hidden)))
verify(manifest, model)
