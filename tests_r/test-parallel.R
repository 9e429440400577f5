# Work in several processes: values, files, random states, errors, progress, interrupts.

# The strictest settings of future: no reference to an object of this process, no random numbers.
local_plan <- function(strategy, ..., env = parent.frame()) {
  skip_on_cran()
  skip_if_not_installed("future")
  withr::local_options(
    future.globals.onReference = "error", future.rng.onMisuse = "error", .local_envir = env
  )
  previous <- future::plan(strategy, ...)
  withr::defer(future::plan(previous), envir = env)
}

# The starts and the ends of the rows of partitions.
cut_rows <- function(rows, count) {
  ends <- floor(rows * seq_len(count) / count)
  Map(seq, c(1, ends[-count] + 1), ends)
}

# Lazy tensors of every kind, with the bits that any process must find.
tensors <- function() {
  unseeded <- initializer_he_normal()
  generator <- random_seed_generator(derive_seed(1, "a"))
  first <- lazy_tensor(initializer_glorot_uniform(seed = generator), c(21, 4))
  list(
    lazy_tensor(initializer_he_normal(seed = 1), c(21, 4), "bfloat16"),
    lazy_tensor(unseeded, c(21, 4)),
    first,
    lazy_tensor(initializer_glorot_uniform(seed = generator), c(21, 4)),
    lazy_tensor(initializer_orthogonal(seed = 2), c(21, 4), "float64"),
    lazy_tensor(initializer_constant(1:84 |> matrix(21)), c(21, 4), "int32")
  )
}

# Expects that `apply_parts(parts, read)` reads the same values in other processes.
expect_same_partitions <- function(apply_parts) {
  for (x in tensors()) {
    values <- as.array(x)
    for (count in c(1, 3, 7)) {
      parts <- apply_parts(cut_rows(21, count), function(rows, x) x[rows, , drop = FALSE], x)
      expect_identical(do.call(rbind, parts), values, label = paste(format(x), "in", count))
    }
  }
  initializer <- initializer_he_normal()
  drawn <- apply_parts(1:2, function(i, initializer) initializer(c(4, 3)), initializer)
  expect_identical(drawn, list(initializer(c(4, 3)), initializer(c(4, 3))))
}

plan_of_weights <- lapply(1:6, function(k) {
  list(name = paste0("w", k), shape = c(40, 50 * k), initializer = "he_normal")
})

bytes_of_files <- function(folder) {
  files <- list.files(folder, all.files = TRUE, no.. = TRUE)
  stats::setNames(lapply(file.path(folder, files), function(file) {
    readBin(file, "raw", file.size(file))
  }), files)
}

# Expects that map_partitions() and materialize() give in the present plan what they give here.
expect_same_in_plan <- function() {
  x <- lazy_tensor(initializer_he_normal(seed = 1), c(100, 5))
  values <- as.array(x)
  for (rows in c(100, 40, 15)) {
    expect_identical(do.call(rbind, map_partitions(x, fun = identity, rows = rows)), values)
  }
  # with the global variables of the function, and Python in its process
  factor <- 2
  scaled <- function(part) part * factor
  parts <- map_partitions(x, fun = function(part, first_row) {
    list(first_row, scaled(part), pyinit::initializer_he_normal(seed = 1)(2))
  }, rows = 60)
  expected <- initializer_he_normal(seed = 1)(2)
  expect_identical(parts, list(
    list(1, values[1:60, ] * 2, expected), list(61, values[61:100, ] * 2, expected)
  ))
  # also with names that this package could use
  work <- 1
  run <- function(x) x + work
  fun <- function(x) run(x) * 2
  parts <- map_partitions(x, fun = function(part) fun(part[1, 1]))
  expect_identical(parts, list((values[1, 1] + 1) * 2))
  orthogonal <- lazy_tensor(initializer_orthogonal(seed = 1), c(20, 6))
  drawn <- map_partitions(orthogonal, fun = identity, rows = 7)
  expect_identical(computed_matrices(orthogonal), 1L)
  expect_identical(do.call(rbind, drawn), as.array(orthogonal))
  error <- expect_error(
    map_partitions(x, fun = function(part, first_row) stop("no row ", first_row), rows = 60),
    "In partition 1, rows 1 to 60: no row 1",
    fixed = TRUE, class = "pyinit_error"
  )
  expect_identical(conditionCall(error)[[1]], quote(map_partitions))

  manifest <- create_manifest(plan_of_weights, seed = 1)
  folder <- withr::local_tempdir()
  withr::local_dir(folder)
  reports <- list()
  written <- materialize(manifest, "shards", shards = 4, progress = function(done, total) {
    reports[[length(reports) + 1]] <<- done / total
  })
  expect_identical(written, file.path("shards", sprintf("model-0000%d-of-00004.safetensors", 1:4)))
  expect_true(isTRUE(verify(manifest, "shards")))
  for (k in 1:4) materialize(manifest, "expected", shard = c(k, 4))
  expect_identical(bytes_of_files("shards"), bytes_of_files("expected"))
  expect_false(is.unsorted(unlist(reports)))
  expect_identical(tail(reports, 1), list(1))
  expect_length(materialize(manifest, "arrow", shards = 2, format = "arrow"), 6)
  expect_true(isTRUE(verify(manifest, "arrow")))
}

test_that("shards in one process are those of several calls", {
  # protects: users without future
  manifest <- create_manifest(plan_of_weights, seed = 1)
  folder <- withr::local_tempdir()
  path <- file.path(folder, "a", "m.safetensors")
  for (k in 1:3) materialize(manifest, path, shard = c(k, 3))
  reports <- list()
  written <- materialize(
    manifest, file.path(folder, "b", "m.safetensors"),
    shards = 3,
    progress = function(done, total) reports[[length(reports) + 1]] <<- done / total
  )
  expect_identical(basename(written), sprintf("m-0000%d-of-00003.safetensors", 1:3))
  expect_identical(bytes_of_files(file.path(folder, "b")), bytes_of_files(file.path(folder, "a")))
  expect_false(is.unsorted(unlist(reports)))
  expect_identical(tail(reports, 1), list(1))
  for (bad in list(0, 1.5, "2", NA, TRUE, 1e6)) {
    expect_argument_error(materialize(manifest, folder, shards = bad), "shards")
  }
  expect_argument_error(materialize(manifest, folder, shards = 2, shard = "1/2"), "shards")
  expect_argument_error(materialize(manifest, file.path(folder, "x.npz"), shards = 2), "path")
})

# A manifest whose fourth tensor has another fingerprint.
forged_manifest <- function(env = parent.frame()) {
  file <- withr::local_tempfile(fileext = ".json", .local_envir = env)
  write_manifest(create_manifest(plan_of_weights, seed = 1), file)
  text <- readLines(file)
  line <- grep("fingerprint", text)[[4]]
  text[[line]] <- sub("\"[0-9a-f]{8}", "\"00000000", text[[line]])
  writeLines(text, file)
  read_manifest(file)
}

expect_shard_error <- function() {
  folder <- withr::local_tempdir()
  error <- expect_error(
    materialize(forged_manifest(), folder, shards = 6),
    class = "pyinit_difference_error"
  )
  expect_match(conditionMessage(error), "^In shard 3/6: The weights drawn here .*'w4'")
  expect_identical(conditionCall(error)[[1]], quote(materialize))
  # complete shards or nothing, and no index
  expect_true(all(list.files(folder, all.files = TRUE, no.. = TRUE) %in% sprintf(
    "model-0000%d-of-00006.safetensors", c(1, 2, 4, 5, 6)
  )))
}

test_that("an error of a shard names it", {
  # protects: users who look for what failed
  expect_shard_error()
})

test_that("a plan of future changes no value, and its checks are quiet", {
  # protects: future with multisession
  local_plan(future::multisession, workers = 2)
  expect_same_in_plan()
  expect_shard_error()
  # future's own calls, without a seed: what is drawn here are no random numbers of R
  x <- lazy_tensor(initializer_he_normal(seed = 1), c(4, 3))
  initializer <- initializer_he_normal(seed = 1)
  drawn <- future::value(future::future(list(x[1:2, ], initializer(c(4, 3)))))
  expect_identical(drawn, list(x[1:2, ], initializer(c(4, 3))))
  # but a function that draws random numbers of R is reported
  expect_error(map_partitions(x, fun = function(part) stats::runif(1)), "random numbers")
})

test_that("forked workers read the same values", {
  # protects: future with multicore, and mclapply(), where Python runs in the parent
  skip_on_os("windows")
  skip_unless_slow()
  local_plan(future::multicore, workers = 2)
  skip_if_not(future::supportsMulticore())
  expect_same_in_plan()
  expect_shard_error()
  expect_same_partitions(function(...) parallel::mclapply(..., mc.cores = 2))
})

test_that("PSOCK workers read the same values", {
  # protects: parLapply() and future's cluster plan on real processes
  skip_on_cran()
  skip_unless_slow()
  cluster <- parallel::makeCluster(2)
  withr::defer(parallel::stopCluster(cluster))
  expect_same_partitions(function(...) parallel::parLapply(cluster, ...))
  local_plan(future::cluster, workers = cluster)
  expect_same_in_plan()
})

test_that("a lazy tensor is small, and has no reference to this process", {
  # protects: the cost of sending it to many workers
  x <- lazy_tensor(initializer_he_normal(seed = 1), c(1e6, 4096))
  expect_lt(length(serialize(x, NULL)), 1000)
  x[1, 1]
  expect_lt(length(serialize(x, NULL)), 1000)
})

test_that("a forked process cannot repeat a draw of its parent", {
  # protects: weights that would be the same in each worker
  skip_on_os("windows")
  skip_on_cran()
  generator <- random_seed_generator(7, name = "weights")
  initializer <- initializer_random_normal(seed = generator)
  taken <- lazy_tensor(initializer, c(2, 2))
  results <- parallel::mclapply(1:2, function(i) {
    list(
      tryCatch(initializer(c(2, 2)), error = conditionMessage),
      tryCatch(generator$`next`(), error = conditionMessage),
      taken[, ],
      random_seed_generator(derive_seed(7, paste("worker", i)))$`next`()[[2]]
    )
  }, mc.cores = 2)
  for (found in results) {
    expect_match(found[[1]], "seed generator 'weights' was constructed before this process was")
    expect_match(found[[1]], "derive_seed()", fixed = TRUE)
    expect_identical(found[[2]], found[[1]])
    expect_identical(found[[3]], taken[, ])
    expect_equal(found[[4]], 0)
  }
  expect_identical(generator$`next`(), c(7, 1))
})

test_that("a call leaves no random state behind, and keeps one that it finds", {
  # protects: future's check of random numbers; set.seed()
  withr::local_preserve_seed()
  has_state <- function() exists(".Random.seed", globalenv(), inherits = FALSE)
  call_all <- function(fun) {
    initializer <- initializer_he_normal(seed = 1)
    x <- lazy_tensor(initializer, c(4, 3))
    set_num_threads(NULL)
    summary(initializer, c(4, 3))
    verify(create_manifest(plan_of_weights[1], seed = derive_seed(1, "model")))
    list(
      initializer(2), x[1, ], as.array(x), map_partitions(x, fun = fun), fingerprint(x),
      compute_fans(c(4, 3)), get_initializer("ones"), num_threads()
    )
  }
  set.seed(1)
  before <- get(".Random.seed", globalenv())
  call_all(nrow)
  expect_identical(get(".Random.seed", globalenv()), before)
  rm(".Random.seed", envir = globalenv())
  call_all(nrow)
  expect_false(has_state())
  call_all(function(part) stats::runif(1))
  expect_true(has_state())
})

test_that("an interrupt stops all processes", {
  # protects: Ctrl-C, which leaves no file and no process at work
  skip_on_os("windows")
  skip_unless_slow()
  folder <- withr::local_tempdir()
  output <- run_r(c(
    "library(pyinit)",
    "weights <- lapply(1:16, function(i) {",
    "  list(name = paste0('w', i), shape = c(1000, 1000), initializer = 'orthogonal')",
    "})",
    "manifest <- create_manifest(weights, seed = 1)",
    "future::plan('multisession', workers = 2)",
    sprintf("folder <- '%s'", folder),
    "bias <- list(list(name = 'bias', shape = 3, initializer = 'zeros'))",
    "started <- materialize(create_manifest(bias), file.path(folder, 'a'), shards = 2)",
    "target <- file.path(folder, 'b')",
    "interrupted <- FALSE",
    "reports <- 0",
    "tryCatch(",
    "  materialize(manifest, target, shards = 2, progress = function(done, total) {",
    "    reports <<- reports + 1",
    "    tools::pskill(Sys.getpid(), tools::SIGINT)",
    "  }),",
    "  interrupt = function(condition) interrupted <<- TRUE",
    ")",
    "left <- list.files(target, all.files = TRUE, no.. = TRUE)",
    # an interrupted call waits for workers, but not for ever
    "until <- Sys.time() + 120",
    "while ((busy <- future::nbrOfFreeWorkers() < 2) && Sys.time() < until) Sys.sleep(0.1)",
    "cat(interrupted, reports, length(left), busy)"
  ))
  expect_identical(tail(output, 1), "TRUE 1 0 FALSE")
})
