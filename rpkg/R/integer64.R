# The class integer64 of the package bit64: 64-bit integers, stored in the bits of doubles.
# Converted here, so that bit64 need not be installed.

# A class derived from it, such as nanotime, means something else.
is_integer64 <- function(x) {
  is.double(x) && !isS4(x) && identical(oldClass(x), "integer64")
}

# The numbers as doubles. Raises an error for NA and for numbers that no double represents.
doubles_of_integer64 <- function(name, x) {
  parts <- parts_of_integer64(x)
  numbers <- parts$high * 2^32 + parts$low
  if (any(is_na_of_integer64(parts))) {
    stop_argument(name, x, "given without missing values (NA)")
  }
  if (any(abs(numbers) > 2^53 | numbers - parts$high * 2^32 != parts$low)) {
    stop_argument(name, x, "a number from -2^53 to 2^53, beyond which R's numbers are not exact")
  }
  attributes(numbers) <- attributes_but_class(x)
  numbers
}

# The numbers in decimal, NA for a missing one.
digits_of_integer64 <- function(x) {
  parts <- parts_of_integer64(x)
  is_negative <- parts$high < 0
  # the two's complement
  high <- ifelse(is_negative, -parts$high - (parts$low > 0), parts$high)
  low <- ifelse(is_negative & parts$low > 0, 2^32 - parts$low, parts$low)
  # 2^32 is 4294 * 10^6 + 967296
  rest <- high * 967296 + low
  digits <- sprintf("%.0f%06.0f", high * 4294 + rest %/% 1e6, rest %% 1e6)
  digits <- paste0(ifelse(is_negative, "-", ""), sub("^0+(?=[0-9])", "", digits, perl = TRUE))
  digits[is_na_of_integer64(parts)] <- NA
  attributes(digits) <- attributes_but_class(x)
  digits
}

# The upper 32 bits of each number, with its sign, and the lower 32.
parts_of_integer64 <- function(x) {
  bytes <- writeBin(as.vector(unclass(x)), raw(), endian = "little")
  words <- matrix(
    as.double(readBin(bytes, "integer", 2L * length(x), endian = "little")), nrow = 2L
  )
  # NA_integer_ is the word 2^31
  words[is.na(words)] <- -2^31
  list(high = words[2L, ], low = words[1L, ] + 2^32 * (words[1L, ] < 0))
}

is_na_of_integer64 <- function(parts) {
  parts$high == -2^31 & parts$low == 0
}

attributes_but_class <- function(x) {
  attributes <- attributes(x)
  attributes[names(attributes) != "class"]
}
