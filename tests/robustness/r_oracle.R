# The calls of the table of wrong calls in R, and what each argument allows.

read_table <- function(folder) {
  read <- function(name) jsonlite::fromJSON(file.path(folder, name), simplifyVector = FALSE)
  shared <- file.path(folder, "values.json")
  values <- c(if (file.exists(shared)) read("values.json"), read("r_values.json"))
  values <- unlist(lapply(values, `[[`, "r"))
  list(
    values = values[!duplicated(values)],
    kinds = read("r_kinds.json"),
    calls = read("r_calls.json")
  )
}

# The calls of each function: the code of a call, the code of its valid arguments, and the kind of
# each argument. Functions and arguments are those of the package.
functions_to_call <- function(table) {
  exported <- sort(getNamespaceExports("pyinit"))
  functions <- lapply(stats::setNames(exported, exported), function(name) {
    entry <- table$calls$functions[[name]]
    formals <- formals(getExportedValue("pyinit", name))
    arguments <- setdiff(names(formals), "...")
    is_required <- vapply(formals[arguments], identical, NA, quote(expr = ))
    complete(table, list(
      name = name, code = NULL, arguments = entry$arguments, given = entry$given,
      beside = entry$beside, named = entry$named, always_fails = isTRUE(entry[["always fails"]])
    ), arguments, arguments[is_required])
  })
  methods <- lapply(names(table$calls$methods), function(name) {
    entry <- table$calls$methods[[name]]
    complete(table, c(list(name = name, always_fails = FALSE), entry), names(entry$given), NULL)
  })
  c(functions, stats::setNames(methods, names(table$calls$methods)))
}

complete <- function(table, entry, arguments, required) {
  kind_of <- function(argument) {
    kind <- entry$arguments[[argument]]
    if (is.null(kind)) table$calls$arguments[[argument]] else kind
  }
  entry$kinds <- lapply(stats::setNames(arguments, arguments), kind_of)
  for (argument in setdiff(required, names(entry$given))) {
    entry$given[[argument]] <- table$kinds[[entry$kinds[[argument]]]]$valid
  }
  entry
}

# The code of the call of a function with one argument replaced by a value.
code_of_call <- function(entry, argument, value) {
  given <- entry$given
  beside <- entry$beside[[argument]]
  given[names(beside)] <- beside
  given[[argument]] <- value
  if (is.null(entry$code)) {
    return(sprintf("%s(%s)", entry$name, paste(names(given), "=", given, collapse = ", ")))
  }
  code <- entry$code
  for (name in names(given)) {
    code <- gsub(sprintf("{%s}", name), given[[name]], code, fixed = TRUE)
  }
  code
}

# What a value stands for, as a plain vector: a number of class integer64, a value with one
# dimension, a string with a class derived from "character", a shape of keras3, an object of Python
# that reticulate converts.
meaning_of <- function(x) {
  if (identical(class(x), "integer64")) {
    numbers <- bit64::as.double.integer64(x)
    return(if (anyNA(numbers) || any(abs(numbers) >= 2^53)) quote(nothing) else numbers)
  }
  if (is_python(x)) {
    converted <- reticulate::py_to_r(x)
    return(if (is.atomic(converted) && is.null(names(converted))) converted else quote(nothing))
  }
  if (inherits(x, "keras_shape") || is_string_class(x)) {
    x <- unclass(x)
  }
  if (is.object(x)) {
    return(quote(nothing))
  }
  if (length(dim(x)) == 1L || length(x) == 1L && !is.null(dim(x))) {
    x <- as.vector(x)
  }
  x
}

# The same for a sequence of numbers, which may be a list.
sequence_of <- function(x, m) {
  if (is_python(x)) {
    m <- reticulate::py_to_r(x)
    if (!is.list(m) || !is.null(names(m))) {
      return(quote(nothing))
    }
  }
  if (!is.null(dim(m))) {
    return(quote(nothing))
  }
  is_flat <- is.list(m) && length(m) <= 100L && all(vapply(m, is_element, NA))
  if (is_flat) as.double(unlist(lapply(m, meaning_of))) else m
}

# Lists are vectors only of numbers.
is_element <- function(x) {
  is.numeric(x) && length(x) == 1L && (!is.object(x) || identical(class(x), "integer64"))
}

is_string_class <- function(x) {
  is.character(x) && inherits(x, "character") && !inherits(x, "pyinit_seed")
}

is_python <- function(x) {
  inherits(x, "python.builtin.object") && is.environment(x) &&
    typeof(get0("pyobj", x, inherits = FALSE)) == "externalptr"
}

# A vector of one element, not of a list, with or without dimensions and names.
is_scalar <- function(m) is.atomic(m) && !is.null(m) && length(m) == 1L && !is_missing(m)
is_number <- function(m) is.numeric(m) && length(m) == 1L && is.finite(m)
is_whole <- function(m) is_number(m) && m == trunc(m)
is_missing <- function(x) is.atomic(x) && anyNA(x) && any(is.na(x) & !is.nan(x))
is_huge <- function(x) !is.object(x) && length(x) > 1e6
is_big <- function(s) is.numeric(s) && length(s) <= 64L && isTRUE(prod(s[s > 0]) > 2^24)
is_text <- function(m) {
  is.character(m) && !is.object(m) && length(m) == 1L && !is.na(m) && is_valid_text(m)
}
is_valid_text <- function(m) {
  all(validUTF8(enc2utf8(m)) & validEnc(m) & Encoding(m) != "bytes") &&
    !any(has_controls(m))
}
has_controls <- function(m) {
  codes <- lapply(enc2utf8(m), utf8ToInt)
  vapply(codes, function(code) {
    any(code < 32L | code >= 0x7f & code <= 0x9f | code >= 0x202a & code <= 0x202e)
  }, NA)
}
is_texts <- function(x) {
  is.character(x) && (!is.object(x) || is_string_class(x)) && length(x) > 0L &&
    length(x) < 1e6 && !anyNA(x) && is_valid_text(x)
}
is_shape <- function(m) {
  is.numeric(m) && length(m) <= 64L && all(is.finite(m)) && all(m >= 0 & m == trunc(m))
}
is_axes <- function(m) {
  is.numeric(m) && length(m) < 1e4 && all(is.finite(m)) && all(m == trunc(m)) &&
    all(m >= -64 & m <= 63)
}
is_seed <- function(x, m) {
  is_whole(m) && abs(m) <= 2^53 && !is.list(x) ||
    inherits(x, "pyinit_seed") && length(x) == 1L && grepl("^[0-9]+$", unclass(x)) ||
    is.character(m) && length(m) == 1L && grepl("^[0-9]+$", m) ||
    identical(class(x), "integer64") && length(x) == 1L && !is.na(bit64::as.character.integer64(x))
}
is_array <- function(x) {
  (is.numeric(x) || is.logical(x)) && !is.object(x) && (length(x) != 1L || !is.null(dim(x))) ||
    identical(class(x), "integer64") && length(x) > 1L
}
is_r_array <- function(x) (is.numeric(x) || is.logical(x)) && !is.object(x)
is_tensor_of_2_3 <- function(x) is_r_array(x) && identical(dim(x), c(2L, 3L))
is_initializer <- function(x) {
  inherits(x, "pyinit_initializer") && is.function(x) && is.environment(environment(x)$state)
}
is_description <- function(x) {
  is.list(x) && !is.object(x) && identical(x$class_name, "HeNormal") && is.list(x$config) &&
    all(names(x$config) == "seed")
}
is_plan <- function(x) {
  is.list(x) && !is.object(x) && length(x) == 1L && is.list(x[[1L]]) && !is.object(x[[1L]]) &&
    all(c("name", "shape", "initializer") %in% names(x[[1L]])) && length(x[[1L]]$shape) < 10L
}
is_weights <- function(x) {
  is.list(x) && !is.object(x) && !is.null(names(x)) && length(x) > 0L &&
    all(vapply(x, is_r_array, NA))
}
is_manifest <- function(x) {
  inherits(x, "pyinit_manifest") && is.character(x) && nchar(x) > 100L
}
is_index <- function(m, length, longest = 1e6 - 1) {
  is.logical(m) && length(m) <= length && !anyNA(m) ||
    is.numeric(m) && length(m) <= longest && !anyNA(m) && all(trunc(m) <= length) &&
      (all(m > -1) || all(m < 1))
}
is_long_index <- function(m, length) is_index(m, length, 2^20)

# Whether a kind of argument allows a value: "yes", "no", "either", or "skip".
judge <- function(kind, x) {
  if (is.null(kind)) {
    return("no")
  }
  m <- meaning_of(x)
  s <- sequence_of(x, m)
  if (inherits(x, "python.builtin.NoneType")) {
    # may be taken for NULL
    return(if (judge(kind, NULL) == "yes") "either" else "no")
  }
  holds <- function(code) {
    !is.null(code) && isTRUE(tryCatch(
      suppressWarnings(eval(str2lang(code), list(x = x, m = m, s = s))),
      error = function(error) FALSE
    ))
  }
  for (answer in c("skips", "accepts", "either")) {
    if (holds(kind[[answer]])) {
      return(switch(answer, skips = "skip", accepts = "yes", answer))
    }
  }
  "no"
}
