# Workarounds for reticulate where R runs inside Python: see src/reticulate_workarounds.c.

# Evaluates `expr`, which makes reticulate load Python.
with_reticulate_workarounds <- function(expr) {
  if (utils::packageVersion("reticulate") < "1.31") {
    .Call(eval_with_lock, quote(expr), environment(), reticulate_library())
  } else {
    expr
  }
}

# Called by Python before it ends, if R runs inside it.
stop_reticulate_polling <- function() {
  .Call(stop_polling, reticulate_library())
}

reticulate_library <- function() {
  getLoadedDLLs()[["reticulate"]][["path"]]
}
