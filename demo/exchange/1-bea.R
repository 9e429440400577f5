# Bea works in R. She sends the measurements.
write.csv(iris, "iris.csv", row.names = FALSE)
