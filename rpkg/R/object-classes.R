# Checks of an object beyond its class attribute, which anyone can set.

# Objects with the class of a Python object and nothing else. Methods such as length() crash on
# them.
is_false_python <- function(x) {
  inherits(x, "python.builtin.object") && !is_python_object(x)
}

# Also a Python function, which reticulate makes an R function.
is_python_object <- function(x) {
  if (!is.object(x) || !inherits(x, "python.builtin.object")) {
    return(FALSE)
  }
  # reticulate reads the pointer without a check
  object <- if (is.function(x)) attr(x, "py_object", exact = TRUE) else x
  if (!is.environment(object) || typeof(get0("pyobj", object, inherits = FALSE)) != "externalptr") {
    return(FALSE)
  }
  if (reticulate::py_is_null_xptr(x)) {
    # without Python, the error is that Python is missing
    bridge()
    return(FALSE)
  }
  TRUE
}

# Python's NULL.
is_none <- function(x) {
  inherits(x, "python.builtin.NoneType") && is_python_object(x)
}

is_initializer <- function(x) {
  inherits(x, "pyinit_initializer") && is.function(x) && has_state(x, "config")
}

is_array_initializer <- function(x) {
  inherits(x, "pyinit_array_initializer") && is.function(x) && has_state(x, "values")
}

has_state <- function(x, element) {
  state <- state_of(x)
  is.environment(state) && exists(element, state, inherits = FALSE)
}

is_seed_generator <- function(x) {
  inherits(x, "pyinit_seed_generator") && is.environment(x) && is.list(x[["config"]])
}

is_lazy_tensor <- function(x) {
  inherits(x, "pyinit_lazy_tensor") && is.list(x) && is.environment(lazy_state(x))
}

is_manifest <- function(x) {
  inherits(x, "pyinit_manifest") && is_string(unclass(x))
}

# Seeds of derive_seed(); NA where one is missing.
is_seed_vector <- function(x) {
  inherits(x, "pyinit_seed") && is.character(x) && all(is.na(x) | are_digits(digits_of(x)))
}

# Whether an object is one that an initializer or its configuration may contain.
is_own_object <- function(x) {
  is_initializer(x) || is_array_initializer(x) || is_seed_generator(x) ||
    inherits(x, "pyinit_factory") && is.function(x)
}
