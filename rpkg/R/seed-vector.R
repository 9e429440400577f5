# Vectors of derived seeds: strings of decimal digits of the class pyinit_seed.

is_one_seed <- function(x) {
  is_seed_vector(x) && length(x) == 1L && !is.na(x)
}

is_digits <- function(x) {
  is_string(x) && are_digits(as.vector(unclass(x)))
}

# Whether strings are integers as Python writes them, within the range of seeds.
are_digits <- function(x) {
  are_numbers <- grepl("^(0|-?[1-9][0-9]{0,19})$", x, useBytes = TRUE)
  x[!are_numbers] <- "0"
  size <- nchar(sub("^-", "", x))
  limit <- ifelse(startsWith(x, "-"), "-9223372036854775808", "18446744073709551615")
  short <- size < nchar(sub("^-", "", limit)) | size == nchar(sub("^-", "", limit)) & x <= limit
  are_numbers & short
}

# Seeds as R code.
code_of_seeds <- function(x) {
  digits <- toString(digits_of(x))
  shorten(if (length(x) == 1L) digits else paste0("c(", digits, ")"))
}

# The digits, with the names.
digits_of <- function(seeds) {
  unclass(seeds)
}

#' @export
format.pyinit_seed <- function(x, ...) {
  as.character(x)
}

#' @export
print.pyinit_seed <- function(x, ...) {
  if (length(x) == 1L && is.null(names(x))) {
    cat("<pyinit seed> ", format(x), "\n", sep = "")
  } else {
    cat("<pyinit seeds>\n")
    print(digits_of(x), quote = FALSE)
  }
  invisible(x)
}

#' @importFrom utils str
#' @export
str.pyinit_seed <- function(object, ...) {
  first <- utils::head(as.character(object), 3L)
  cat(" <pyinit seed> ", toString(c(first, if (length(object) > 3L) "...")), "\n", sep = "")
}

# Applies a function that selects or repeats elements of a vector.
map_digits <- function(x, select, ...) {
  new_seed(select(digits_of(x), ...))
}

#' @export
`[.pyinit_seed` <- function(x, ...) map_digits(x, `[`, ...) # nolint: object_name_linter.

#' @export
`[[.pyinit_seed` <- function(x, ...) map_digits(x, `[[`, ...) # nolint: object_name_linter.

#' @export
rep.pyinit_seed <- function(x, ...) map_digits(x, rep, ...) # nolint: object_name_linter.

#' @export
unique.pyinit_seed <- function(x, ...) map_digits(x, unique, ...) # nolint: object_name_linter.

#' @export
as.list.pyinit_seed <- function(x, ...) { # nolint: object_name_linter.
  lapply(as.list(digits_of(x)), new_seed)
}

#' @export
as.data.frame.pyinit_seed <- as.data.frame.vector # nolint: object_name_linter.

# Combines seeds, numbers and strings of digits.
#' @export
c.pyinit_seed <- function(...) {
  new_seed(unlist(lapply(list(...), as_digits)))
}

#' @export
`[<-.pyinit_seed` <- function(x, ..., value) { # nolint: object_name_linter.
  digits <- digits_of(x)
  digits[...] <- as_digits(value)
  new_seed(digits)
}

#' @export
`[[<-.pyinit_seed` <- function(x, ..., value) { # nolint: object_name_linter.
  digits <- digits_of(x)
  digits[[...]] <- as_digits(value)
  new_seed(digits)
}

# The digits of seeds, whole numbers or strings of digits; NA stays NA.
as_digits <- function(x) {
  if (is.null(x) || is_seed_vector(x)) {
    return(digits_of(x))
  }
  if (is_integer64(x)) {
    return(digits_of_integer64(x))
  }
  allowed <- "a vector of seeds of derive_seed() or of whole numbers from -2^53 to 2^53"
  if (is.object(x) || length(x) > max_elements) {
    stop_argument("seed", x, paste0(allowed, ", at most 2^20"))
  }
  digits_of_plain(x, allowed)
}

digits_of_plain <- function(x, allowed) {
  digits <- x
  if (is.numeric(x)) {
    is_whole <- is.na(x) & !is.nan(x) | x == trunc(x) & abs(x) <= 2^53
    digits[] <- ifelse(is.na(x), NA_character_, sprintf("%.0f", x))
  } else {
    is_whole <- is.character(x) & (is.na(x) | are_digits(as.character(x)))
  }
  if (!isTRUE(all(is_whole)) && !is_all_na(x)) {
    stop_argument("seed", x, allowed)
  }
  storage.mode(digits) <- "character"
  digits
}

# Whether a vector is made of NA alone, which is a logical.
is_all_na <- function(x) {
  is.logical(x) && !is.object(x) && all(is.na(x))
}

#' @export
Ops.pyinit_seed <- function(e1, e2) { # nolint: object_name_linter.
  if (!.Generic %in% c("==", "!=")) {
    not_for_seeds(.Generic)
  }
  get(.Generic)(as_digits(e1), as_digits(e2))
}

# max() would compare the strings.
#' @export
Summary.pyinit_seed <- function(..., na.rm = FALSE) { # nolint: object_name_linter.
  not_for_seeds(.Generic)
}

not_for_seeds <- function(name) {
  stop_pyinit("`", name, "` is not defined for seeds", class = "pyinit_type_error")
}

# The order by value, for order() and sort(): as strings, 10 would come before 9.
#' @export
xtfrm.pyinit_seed <- function(x) {
  digits <- as.character(x)
  size <- sub("^-", "", digits)
  padded <- paste0(strrep("0", 20L - nchar(size)), size)
  place <- match(padded, sort(unique(padded), method = "radix"))
  ifelse(is.na(digits), NA, ifelse(startsWith(digits, "-"), -place, place))
}

#' @export
as.double.pyinit_seed <- function(x, ...) { # nolint: object_name_linter.
  number <- as.double(digits_of(x))
  if (any(abs(number) > 2^53, na.rm = TRUE)) {
    stop_argument("x", x, "a seed up to 2^53, beyond which R's numbers are not exact")
  }
  number
}
