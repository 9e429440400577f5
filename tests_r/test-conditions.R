# Python's exceptions are R conditions, and a missing Python is an error that names the remedy.

test_that("an invalid argument is an error when the initializer is created", {
  # protects: errors before a layer is built; one definition of valid arguments
  cases <- list(
    list("scale", quote(initializer_variance_scaling(scale = -1))),
    list("scale", quote(initializer_variance_scaling(scale = "1"))),
    list("mode", quote(initializer_variance_scaling(mode = "fan"))),
    list("distribution", quote(initializer_variance_scaling(distribution = 1))),
    list("value", quote(initializer_constant("a"))),
    list("value", quote(initializer_constant(c("a", "b")))),
    list("value", quote(initializer_constant(factor("a")))),
    list("value", quote(initializer_constant(NULL))),
    list("value", quote(initializer_constant(NA))),
    list("gain", quote(initializer_identity(Inf))),
    list("mean", quote(initializer_random_normal(mean = NA_real_))),
    list("stddev", quote(initializer_truncated_normal(stddev = -1))),
    list("lower", quote(initializer_truncated_normal(lower = 3))),
    list("lower", quote(initializer_truncated_normal(lower = 10, upper = Inf))),
    list("upper", quote(initializer_truncated_normal(upper = NaN))),
    list("groups", quote(initializer_dirac(1.5))),
    list("gain", quote(initializer_delta_orthogonal(gain = "1"))),
    list("minval", quote(initializer_random_uniform(minval = 1, maxval = 0))),
    list("side", quote(initializer_stft(side = "left"))),
    list("window", quote(initializer_stft(window = "nope"))),
    list("window", quote(initializer_stft(window = c(1, NA)))),
    list("scaling", quote(initializer_stft(scaling = "x"))),
    list("periodic", quote(initializer_stft(periodic = 1)))
  )
  for (case in cases) {
    expect_argument_error(eval(case[[2]]), case[[1]])
  }
})

test_that("an invalid argument of a call is an error of the same form", {
  # protects: errors of a draw
  initializer <- initializer_he_normal(seed = 1)
  expect_argument_error(initializer("a"), "shape")
  expect_argument_error(initializer(c(2, -1)), "shape")
  expect_argument_error(initializer(c(2, NA)), "shape")
  expect_argument_error(initializer(c(2, 2), "int32"), "dtype")
  expect_argument_error(initializer(c(2, 2), device = "tpu"), "device")
  expect_argument_error(initializer(c(2, 2), partition_shape = c(1, 1)), "partition_offset")
  expect_argument_error(
    initializer(c(2, 2), partition_shape = c(1, 1), partition_offset = c(2, 0)), "partition_offset"
  )
  expect_argument_error(initializer_identity()(c(2, 2, 2)), "shape")
  expect_error(initializer(c(2, 2), foo = 1), "foo", class = "pyinit_type_error")
  expect_error(initializer(c(2, 2), NULL, 3), "3", class = "pyinit_type_error")
})

test_that("values in a message are R code", {
  # protects: users of R, who typed no None, tuples or 3.0
  messages <- c(
    "`dtype` must be one of 'float64', 'bool'. Received: dtype=3.0" =
      "`dtype` must be one of 'float64', 'bool'. Received: dtype = 3",
    "`shape` must be None or the shape of `x`, (3,). Received: shape=(4, 2)" =
      "`shape` must be NULL or the shape of `x`, 3. Received: shape = c(4, 2)",
    "`value` must be a number or bool (a scalar). Received: value=[1.0, -2.5]" =
      "`value` must be a number or logical (a scalar). Received: value = c(1, -2.5)",
    "`offset` must be inside shape=(2, 3). Received: offset=()" =
      "`offset` must be inside shape = c(2, 3). Received: offset = integer()",
    "`minval` must be at most maxval=0.0. Received: minval=1e-05" =
      "`minval` must be at most maxval = 0. Received: minval = 1e-05",
    "`lower` must be less than upper=-inf. Received: lower=[nan, inf]" =
      "`lower` must be less than upper = -Inf. Received: lower = c(NaN, Inf)",
    "`device` must be 'cpu' or 'cuda:<ordinal>'. Received: device='None'" =
      "`device` must be 'cpu' or 'cuda:<ordinal>'. Received: device = \"None\"",
    "`seed` must be below 2**64. Received: seed=True" =
      "`seed` must be below 2^64. Received: seed = TRUE",
    "`x` must be an array, see help(). Received: an object of class A" =
      "`x` must be an array, see help(). Received: an object of class A"
  )
  for (message in names(messages)) {
    for (prefix in c("", "tensors[0] ('a'): ")) {
      expect_identical(
        pyinit:::in_r_syntax(paste0(prefix, "Argument ", message)),
        paste0(prefix, "Argument ", messages[[message]])
      )
    }
  }
  other <- "a.json: version=(1, 2), None"
  expect_identical(pyinit:::in_r_syntax(other), other)
})

test_that("dimensions given one by one are an error that shows the vector", {
  # protects: users who type initializer(2, 3) instead of initializer(c(2, 3))
  zeros <- initializer_zeros()
  calls <- list(
    "c(2, 3)" = quote(zeros(2, 3)), "c(2, 3, 4)" = quote(zeros(2, 3, 4)),
    "c(64, 32)" = quote(lazy_tensor(zeros, 64, 32)), "c(64, 32)" = quote(zeros("a", 3))
  )
  for (i in seq_along(calls)) {
    error <- expect_argument_error(eval(calls[[i]]), "dtype")
    hint <- paste("dimensions as one vector, as in", names(calls)[[i]])
    expect_match(conditionMessage(error), hint, fixed = TRUE)
  }
})

test_that("a received value is shown as R code of at most 80 characters", {
  # protects: messages that fit on a screen and show what the user typed
  shown <- function(value) {
    error <- expect_argument_error(initializer_random_normal(value), "mean")
    sub(".*Received: mean = ", "", conditionMessage(error))
  }
  expect_identical(shown(NULL), "NULL")
  expect_identical(shown(c(1, 2.5)), "c(1, 2.5)")
  expect_identical(shown("a\nb'c\""), "\"a\\nb'c\\\"\"")
  expect_identical(shown(list(1, "a")), "list(1, \"a\")")
  expect_identical(shown(list(a = TRUE, b = NULL)), "list(a = TRUE, b = NULL)")
  expect_identical(shown(c(1, Inf, NaN)), "c(1, Inf, NaN)")
  # values that Python shows in a way of its own
  expect_identical(shown(as.Date("2026-01-01")), "structure(20454, class = \"Date\")")
  expect_match(shown(mean), "^function")
  expect_identical(shown(sum), ".Primitive(\"sum\")")
  expect_identical(shown(quote(a + b)), "a + b")
  expect_identical(shown(globalenv()), "<environment>")
  expect_identical(shown(matrix(1:4, 2)), "matrix(c(1, 2, 3, 4), 2, 2)")
  expect_identical(nchar(shown(seq_len(1000) + 0.5)), 80L)
  expect_identical(nchar(shown(strrep("x", 1000))), 80L)
  # not the argument of that name, but one within it
  description <- list(class_name = "HeNormal", config = list(seed = list(1, 2)))
  error <- expect_argument_error(deserialize_initializer(description), "seed")
  expect_match(conditionMessage(error), "Received: seed = c(1, 2)", fixed = TRUE)
  config <- structure(list(foo = 1), `__class__` = "HeNormal")
  error <- expect_argument_error(from_config(config), "config")
  expect_match(
    conditionMessage(error), "has no argument 'foo'.*Received: config = list\\(foo = 1\\)$"
  )
})

test_that("a condition has the call of the user's function", {
  # protects: users who look for the line that failed; errors of R and of Python
  calls <- c(
    "initializer_he_normal(seed = 1.5)", "initializer_random_normal(stddev = -1)", "he(-1)",
    "he(2, \"int8\")", "he(2, foo = 1)", "set_num_threads(0)", "lazy_tensor(he, c(2, 3), \"foo\")",
    "from_config(list(1))", "verify(\"nowhere.json\")", "as_numpy(\"a\")"
  )
  # in a new session, since the functions of a test are in the package's namespace
  found <- run_r(c(
    "library(pyinit)",
    "he <- initializer_he_normal(seed = 1)",
    "show_call <- function(expr) {",
    "  cat(deparse(conditionCall(tryCatch(expr, error = identity))), '\\n')",
    "}",
    sprintf("show_call(%s)", calls)
  ))
  expect_identical(trimws(found), calls)
})

test_that("a missing argument is named, with the call of the user", {
  # protects: users who forget an argument, of every function and every required argument
  is_required <- function(default) is.symbol(default) && !nzchar(default)
  for (name in getNamespaceExports("pyinit")) {
    fun <- getExportedValue("pyinit", name)
    required <- setdiff(names(Filter(is_required, formals(fun))), "...")
    for (missing in required) {
      others <- stats::setNames(as.list(rep("a", length(required))), required)
      others[[missing]] <- NULL
      error <- expect_error(do.call(fun, others), class = "pyinit_type_error")
      expect_match(conditionMessage(error), paste0("Argument `", missing, "`"), fixed = TRUE)
    }
  }
  forgot <- function(shape) initializer_zeros()(shape)
  expect_error(forgot(), "`shape` is missing", class = "pyinit_type_error")
  error <- expect_error(derive_seed(1), "`name` is missing", class = "pyinit_type_error")
  expect_identical(conditionCall(error), quote(derive_seed(1)))
  expect_error(get_initializer(diag(2))(), "`shape` is missing", class = "pyinit_type_error")
  # an argument with a wrong name is the one that is missing
  expect_error(initializer_zeros()(dim = 2), "Unused argument: dim", class = "pyinit_type_error")
  expect_error(create_manifest(plan = list()), "Unused argument: plan", class = "pyinit_type_error")
})

test_that("an initializer that is not called is an error that shows the call", {
  # protects: users who pass initializer_he_normal instead of initializer_he_normal()
  uncalled <- initializer_he_normal
  example <- "initializer_he_normal()"
  plan <- list(list(name = "a", shape = 2, initializer = uncalled))
  expect_error(lazy_tensor(uncalled, 2), example, fixed = TRUE, class = "pyinit_type_error")
  expect_error(fingerprint(uncalled, 2), example, fixed = TRUE, class = "pyinit_type_error")
  error <- expect_argument_error(create_manifest(plan, seed = 1), "initializer")
  expect_match(conditionMessage(error), example, fixed = TRUE)
  expect_argument_error(serialize_initializer(uncalled), "initializer")
  expect_argument_error(get_config(uncalled), "object")
})

test_that("an exception whose name includes its module has a clean message", {
  # protects: NumPy's MemoryError
  error <- expect_error(initializer_zeros()(c(2^21, 2^21)), class = "pyinit_error")
  expect_match(conditionMessage(error), "^Unable to allocate 32[.]0 TiB")
})

test_that("R errors are not changed", {
  # protects: an R error does not get the message of Python's last exception
  try(initializer_constant("a"), silent = TRUE)
  expect_error(pyinit:::call_python(stop("mine")), "^mine$")
})

test_that("without the Python package, every error names the command that installs it", {
  # protects: a first-time user with some Python
  folder <- withr::local_tempdir()
  dir.create(file.path(folder, "pyinit"))
  file.create(file.path(folder, "pyinit", "__init__.py")) # hides the one that is installed
  calls <- c(
    "initializer_zeros()", "random_seed_generator(1)", "set_random_seed(1)", "floatx()",
    "set_floatx('float32')", "compute_fans(c(2, 2))", "get_initializer('zeros')",
    "deserialize_initializer(list(class_name = 'Zeros', config = list()))", "as_numpy(1)",
    "fingerprint(1)", "self_test()", "create_manifest(list())", "read_manifest('a.json')",
    "verify('a.json')", "materialize('a.json', 'a.safetensors')", "merge_manifests('a.json')"
  )
  output <- run_r(
    c(
      "library(pyinit)",
      "cat(pyinit_available(), '\\n')",
      sprintf(
        "tryCatch(%s, pyinit_import_error = function(e) cat(conditionMessage(e), '\\n'))", calls
      )
    ),
    env = paste0("PYTHONPATH=", folder)
  )
  expect_match(output[[1]], "FALSE")
  expect_length(grep("pyinit::install_pyinit()", output, fixed = TRUE), length(calls))
})

test_that("without Python, every exported function has the same error with the same hint", {
  # protects: users whose RETICULATE_PYTHON points nowhere, also with objects of another session
  saved <- withr::local_tempfile(fileext = ".rds")
  initializer <- initializer_he_normal(seed = 1)
  plan <- list(list(name = "a", shape = 2, initializer = initializer))
  saveRDS(
    list(
      initializer = initializer, array = get_initializer(matrix(1:4, 2)),
      generator = random_seed_generator(1), lazy = lazy_tensor(initializer, c(2, 3)),
      manifest = create_manifest(plan), python = as_numpy(1)
    ),
    saved
  )
  calls <- c(
    as_numpy = "as_numpy(1)", as_r_array = "as_r_array(x$python)",
    calculate_gain = "calculate_gain('relu')", compute_fans = "compute_fans(2)",
    create_manifest = "create_manifest(list(list(name = 'a', shape = 2, initializer = 'zeros')))",
    default_device = "default_device()", derive_seed = "derive_seed(1, 'a')",
    deserialize_initializer = "deserialize_initializer(list(class_name = 'A', config = list()))",
    fingerprint = "fingerprint(x$initializer, 2)", floatx = "floatx()",
    from_config = "from_config(get_config(x$initializer))", get_config = "get_config(x$python)",
    get_initializer = "get_initializer('zeros')",
    initialize_model = "initialize_model(x$python, 1)",
    install_pyinit = "install_pyinit()", lazy_tensor = "lazy_tensor(x$initializer, 2)",
    map_partitions = "map_partitions(x$lazy, fun = nrow)",
    materialize = "materialize(x$manifest, 'a.safetensors', progress = function(...) TRUE)",
    merge_manifests = "merge_manifests('a.json')",
    num_threads = "num_threads()", plot_signal = "plot_signal(x$initializer)",
    signal_propagation = "signal_propagation(x$initializer)",
    random_seed_generator = "random_seed_generator(1)",
    read_manifest = "read_manifest('a.json')", self_test = "self_test()",
    serialize_initializer = "serialize_initializer(x$initializer)",
    set_default_device = "set_default_device('cpu')", set_floatx = "set_floatx('float32')",
    set_num_threads = "set_num_threads(1)", set_random_seed = "set_random_seed(1)",
    show_config = "show_config()", verify = "verify('a.json', list(a = 1))",
    write_manifest = "write_manifest(x$manifest, 'a.json')"
  )
  calls[factories] <- paste0(factories, "()")
  expect_setequal(names(calls), setdiff(getNamespaceExports("pyinit"), "pyinit_available"))
  methods <- c(
    "x$initializer(2)", "x$initializer$clone()", "x$initializer$scale", "summary(x$initializer, 2)",
    "x$manifest[[1]]", "names(x$manifest)", "x$array(c(2, 2))", "x$generator$`next`()",
    "x$lazy[1, ]", "as.array(x$lazy)", "plot(x$lazy)", "plot(x$initializer)", "plot(x$array)",
    "print(x$manifest)", "as.data.frame(x$manifest)",
    "create_manifest(list(list(name = 'a', shape = 2, initializer = list(config = list()))))",
    "verify(x$manifest, list(a = 1))", "verify(x$manifest, progress = function(...) TRUE)"
  )
  calls <- c(calls, methods)
  output <- run_r(
    c(
      "library(pyinit)",
      sprintf("x <- readRDS('%s')", saved),
      "stopifnot(!pyinit_available())",
      "shown <- function(call, expr) {",
      "  error <- tryCatch(expr, error = identity)",
      "  text <- if (inherits(error, 'error')) conditionMessage(error)",
      "  cat('###', call, '|', class(error)[[1]], '|', text, '\\n')",
      "}",
      sprintf("shown(%s, %s)", vapply(calls, deparse, ""), calls)
    ),
    env = "RETICULATE_PYTHON=/nowhere/python"
  )
  results <- strsplit(paste(output, collapse = "\n"), "### ", fixed = TRUE)[[1]][-1]
  expect_length(results, length(calls))
  hint <- "RETICULATE_PYTHON.*Sys.unsetenv.*pyinit::install_pyinit\\(\\)"
  for (result in results) {
    expect_match(result, paste0("[|] pyinit_import_error [|].*/nowhere/python.*", hint))
  }
  # install_pyinit() itself has to say it in other words
  results <- results[!startsWith(results, "install_pyinit()")]
  expect_length(unique(trimws(sub("^.*?[|]", "", results, perl = TRUE))), 1L)
})

test_that("a Python package of another version is an error that names the command", {
  # protects: the two packages are one release
  folder <- withr::local_tempdir()
  bridges <- file.path(folder, "pyinit", "bridges")
  dir.create(bridges, recursive = TRUE)
  writeLines("__version__ = '0.0.9'", file.path(folder, "pyinit", "__init__.py"))
  file.create(file.path(bridges, "__init__.py"))
  output <- run_r(
    c(
      "library(pyinit)",
      "error <- tryCatch(initializer_zeros(), pyinit_import_error = identity)",
      "cat(conditionMessage(error))"
    ),
    env = paste0("PYTHONPATH=", folder)
  )
  output <- paste(output, collapse = "\n")
  expect_match(output, "0.0.9", fixed = TRUE)
  expect_match(output, as.character(packageVersion("pyinit")), fixed = TRUE)
  expect_match(output, "pyinit::install_pyinit()", fixed = TRUE)
})
