# Bea receives the manifest and checks it against her copy of pyinit.
library(pyinit)
manifest <- read_manifest("manifest.json")
manifest
verify(manifest)

# Her own model starts from the same weights.
keras <- reticulate::import("keras")
model <- keras$Sequential(list(
  keras$Input(list(4L)),
  keras$layers$Dense(
    16L, "relu",
    kernel_initializer = initializer_he_normal(), name = "hidden"
  ),
  keras$layers$Dense(3L, kernel_initializer = initializer_glorot_uniform(), name = "species")
))
initialize_model(model, seed = 42)
verify(manifest, model)

# The same without Keras: the weights are R arrays, and the loss is Ada's.
hidden <- initializer_he_normal(seed = derive_seed(42, "hidden/kernel"))(c(4, 16))
out <- initializer_glorot_uniform(seed = derive_seed(42, "species/kernel"))(c(16, 3))
verify(manifest, list(
  "hidden/kernel" = hidden, "hidden/bias" = numeric(16),
  "species/kernel" = out, "species/bias" = numeric(3)
))
scores <- pmax(as.matrix(iris[1:4]) %*% hidden, 0) %*% out
chances <- exp(scores) / rowSums(exp(scores))
cat("loss", round(-mean(log(chances[cbind(1:150, as.integer(iris$Species))])), 5), "\n")

# She sends her own manifest and the weights.
write_manifest(create_manifest(model, seed = 42), "bea.json")
materialize(manifest, "weights.safetensors")
