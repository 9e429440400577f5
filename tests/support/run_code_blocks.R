# Runs the R blocks of the documentation: Rscript run_code_blocks.R SESSIONS PRINTED
# Both files are JSON: the statements of each page, and what R prints for each of them. Errors and
# warnings are printed as in a session, and the next statement is run. The objects of a page are
# removed after it.
local({
  show_warnings <- function(warnings) {
    for (warning in warnings) {
      call <- conditionCall(warning)
      # in a session the statement itself is called by nothing
      if (identical(call, quote(eval(expression, globalenv())))) call <- NULL
      shown <- stats::setNames(list(call), conditionMessage(warning))
      print(structure(shown, class = "warnings"))
    }
  }

  run_statement <- function(typed) {
    warnings <- list()
    evaluate <- function() {
      for (expression in parse(text = typed$code, keep.source = FALSE)) {
        result <- withVisible(eval(expression, globalenv()))
        if (typed$prints && result$visible) print(result$value)
      }
    }
    keep_warning <- function(warning) {
      warnings[[length(warnings) + 1]] <<- warning
      invokeRestart("muffleWarning")
    }
    utils::capture.output({
      tried <- try(withCallingHandlers(evaluate(), warning = keep_warning), silent = TRUE)
      if (inherits(tried, "try-error")) cat(tried)
      show_warnings(warnings)
    })
  }

  files <- commandArgs(trailingOnly = TRUE)
  pages <- jsonlite::fromJSON(files[[1]], simplifyVector = FALSE)
  printed <- lapply(pages, function(statements) {
    results <- lapply(statements, run_statement)
    rm(list = ls(globalenv()), envir = globalenv())
    results
  })
  writeLines(jsonlite::toJSON(printed), files[[2]])
})
