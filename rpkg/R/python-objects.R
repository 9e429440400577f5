# Python objects held by R objects.
#
# The state of an initializer, a seed generator or a lazy tensor is an environment. Its element
# `python` holds the Python object, which serialize() leaves out: a Python object cannot be saved or
# exported to another process, and would change the digest of the R object. It is made again in
# another session.

# The Python object of a state, or NULL.
find_python_object <- function(state) {
  .Call(unsaved_object, state[["python"]])
}

keep_python_object <- function(state, object) {
  assign("python", .Call(new_unsaved, object), envir = state)
  object
}
