# The archive with the Python sources that reticulate and pip build from.

cache_in <- function(folder, code, env = character()) {
  withr::with_envvar(c(R_USER_CACHE_DIR = folder), run_r(c("library(pyinit)", code), env))
}

# The path in a requirement.
archive_path <- function(requirement) {
  prefix <- "pyinit-bridge[reticulate] @ file://"
  testthat::expect_true(startsWith(requirement, prefix))
  utils::URLdecode(substring(requirement, nchar(prefix) + 1L))
}

test_that("the archive has the carried sources in the form that pip and uv expect", {
  # protects: builds from the archive; no files of a build
  folder <- withr::local_tempdir()
  output <- cache_in(folder, "cat(pyinit:::python_requirement())")
  archive <- archive_path(output)
  version <- packageVersion("pyinit")
  pattern <- sprintf("/R/pyinit/python/%s-[0-9a-f]{16}/pyinit_bridge-%s.tar.gz$", version, version)
  expect_match(archive, pattern)
  unpacked <- withr::local_tempdir()
  utils::untar(archive, exdir = unpacked)
  expect_identical(list.files(unpacked), paste0("pyinit_bridge-", version))
  carried <- system.file("python", package = "pyinit")
  files <- list.files(carried, recursive = TRUE)
  expect_setequal(list.files(file.path(unpacked, list.files(unpacked)), recursive = TRUE), files)
  expect_identical(
    unname(tools::md5sum(file.path(unpacked, list.files(unpacked), files))),
    unname(tools::md5sum(file.path(carried, files)))
  )
  # the next session uses the file as it is
  before <- file.info(archive)
  expect_identical(archive_path(cache_in(folder, "cat(pyinit:::python_requirement())")), archive)
  expect_identical(file.info(archive)$ctime, before$ctime)
  expect_length(list.files(dirname(archive), all.files = TRUE, no.. = TRUE), 1L)
})

test_that("other sources of the same version are another requirement", {
  # protects: users who update pyinit: uv knows an archive by its path
  folder <- withr::local_tempdir()
  writeLines("a", file.path(folder, "a.py"))
  dir.create(file.path(folder, "b"))
  first <- pyinit:::digest_of(folder)
  expect_identical(pyinit:::digest_of(folder), first)
  expect_match(first, "^[0-9a-f]{16}$")
  writeLines("b", file.path(folder, "a.py"))
  expect_no_match(pyinit:::digest_of(folder), first)
  writeLines("a", file.path(folder, "a.py"))
  expect_identical(pyinit:::digest_of(folder), first)
  file.rename(file.path(folder, "a.py"), file.path(folder, "b", "a.py"))
  expect_no_match(pyinit:::digest_of(folder), first)
})

test_that("sessions that write the archive at once leave one, complete", {
  # protects: parallel workers that load the package on a new machine
  folder <- withr::local_tempdir()
  sources <- file.path(folder, "python")
  dir.create(sources)
  writeLines("a", file.path(sources, "a.py"))
  archive <- file.path(folder, "cache", "a.tar.gz")
  for (i in 1:2) pyinit:::write_archive(sources, "a-1", archive)
  expect_identical(list.files(dirname(archive), all.files = TRUE, no.. = TRUE), "a.tar.gz")
  expect_true("a-1/a.py" %in% utils::untar(archive, list = TRUE))
  skip_on_os("windows")
  other <- file.path(folder, "parallel", "b.tar.gz")
  jobs <- lapply(1:4, function(i) {
    parallel::mcparallel(pyinit:::write_archive(sources, "b-1", other))
  })
  parallel::mccollect(jobs)
  expect_identical(list.files(dirname(other), all.files = TRUE, no.. = TRUE), "b.tar.gz")
  expect_true("b-1/a.py" %in% utils::untar(other, list = TRUE))
})

test_that("a path with characters that a URL has in another form is encoded", {
  # protects: users whose home folder has spaces or accents
  folder <- file.path(withr::local_tempdir(), "J\u00f6rg's #1 100%")
  dir.create(folder)
  output <- cache_in(folder, "cat(pyinit:::python_requirement())")
  url <- sub("^.* @ ", "", output)
  expect_no_match(sub("^file://", "", url), "[^A-Za-z0-9/._~%-]")
  expect_true(file.exists(archive_path(output)))
})

test_that("old archives are removed, those of this version are not", {
  # protects: the size of the user's cache
  folder <- withr::local_tempdir()
  version <- packageVersion("pyinit")
  names <- c("0.0.1-aaaa", "0.0.2-bbbb", paste0(version, "-cccc"))
  dir.create(file.path(folder, names[[1]]))
  dir.create(file.path(folder, names[[2]]))
  dir.create(file.path(folder, names[[3]]))
  Sys.setFileTime(file.path(folder, names[c(1, 3)]), Sys.time() - 100 * 24 * 3600)
  pyinit:::remove_outdated(folder)
  expect_setequal(list.files(folder), names[2:3])
})

test_that("the user's cache is left alone where it must be or cannot be used", {
  # protects: R CMD check and INSTALL, read-only home folders
  code <- "cat(startsWith(pyinit:::source_archive(), tempdir()))"
  folder <- withr::local_tempdir()
  expect_identical(cache_in(folder, code, "_R_CHECK_PACKAGE_NAME_=pyinit"), "TRUE")
  expect_identical(cache_in(folder, code, "R_PACKAGE_NAME=pyinit"), "TRUE")
  expect_identical(list.files(folder), character())
  file <- withr::local_tempfile(lines = "not a folder")
  expect_identical(cache_in(file, code), "TRUE")
})
