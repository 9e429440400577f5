# Bea works in R. She has the measurements, and sends them.
write.csv(iris, "iris.csv", row.names = FALSE)
