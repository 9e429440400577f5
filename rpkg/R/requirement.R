# The requirement on the Python package that this package includes, for reticulate and for pip.
#
# The requirement is an archive of the sources in R's user cache, since builders write beside the
# sources and R's library may be read-only. Its path contains the version and a digest of the
# sources: the same sources are the same requirement in every session, and uv builds them once.

# Whether reticulate (1.41 or later) creates an environment with all declared requirements itself,
# unless it finds an environment of the user.
is_managed <- function() {
  "py_require" %in% getNamespaceExports("reticulate") &&
    Sys.getenv("RETICULATE_PYTHON", "managed") == "managed" &&
    !tolower(Sys.getenv("RETICULATE_USE_MANAGED_VENV")) %in% c("false", "0", "no")
}

# Whether Python has been started from such an environment.
is_managed_running <- function() {
  reticulate::py_available() && isTRUE(reticulate::py_config()$ephemeral)
}

# Declares the requirement to reticulate, which adds it to the environment if Python is running.
declare_requirement <- function() {
  requirement <- python_requirement()
  if (!identical(session$requirement, requirement)) {
    declare <- getExportedValue("reticulate", "py_require")
    declare(requirement, python_version = ">=3.10")
    session$requirement <- requirement
  }
}

# The requirement in the form of PEP 508. The extra has the packages that only R needs.
python_requirement <- function() {
  path <- normalizePath(source_archive(), winslash = "/")
  parts <- strsplit(path, "/", fixed = TRUE)[[1L]]
  is_drive <- grepl("^[A-Za-z]:$", parts)
  parts[!is_drive] <- vapply(parts[!is_drive], utils::URLencode, "", reserved = TRUE)
  url <- paste0(if (any(is_drive)) "file:///" else "file://", paste(parts, collapse = "/"))
  paste0("pyinit-bridge[reticulate] @ ", url)
}

# The path of the archive, which is written if it is not there. Where the cache is not writable, the
# archive lasts as long as the session, and each session builds it again.
source_archive <- function() {
  tryCatch(
    archive_in(cache_folder()),
    error = function(error) archive_in(tempdir()),
    warning = function(warning) archive_in(tempdir())
  )
}

# R's user cache. R CMD INSTALL and R CMD check, which load the package, must not write to it.
cache_folder <- function() {
  if (any(nzchar(Sys.getenv(c("R_PACKAGE_NAME", "_R_CHECK_PACKAGE_NAME_"))))) {
    return(tempdir())
  }
  tools::R_user_dir("pyinit", "cache")
}

archive_in <- function(cache) {
  sources <- system.file("python", package = "pyinit", mustWork = TRUE)
  version <- as.character(utils::packageVersion("pyinit"))
  name <- paste0("pyinit_bridge-", version)
  folder <- file.path(cache, "python", paste0(version, "-", digest_of(sources)))
  archive <- file.path(folder, paste0(name, ".tar.gz"))
  if (!file.exists(archive)) {
    write_archive(sources, name, archive)
    remove_outdated(dirname(folder))
  }
  archive
}

# A digest of the files of a folder and their names.
digest_of <- function(folder) {
  files <- sort(list.files(folder, recursive = TRUE), method = "radix")
  listing <- tempfile()
  on.exit(unlink(listing))
  writeLines(paste(tools::md5sum(file.path(folder, files)), files), listing)
  substr(unname(tools::md5sum(listing)), 1L, 16L)
}

# Writes an archive with the sources in a folder of that name, as pip and uv expect it. The archive
# is renamed when it is complete, unless another session has written one in the meantime.
write_archive <- function(sources, name, archive) {
  staging <- tempfile("pyinit")
  dir.create(staging)
  on.exit(unlink(staging, recursive = TRUE))
  file.copy(sources, staging, recursive = TRUE)
  file.rename(file.path(staging, basename(sources)), file.path(staging, name))
  dir.create(dirname(archive), showWarnings = FALSE, recursive = TRUE)
  partial <- tempfile("partial", normalizePath(dirname(archive)))
  on.exit(unlink(partial), add = TRUE)
  pack(staging, name, partial)
  if (!file.exists(archive)) {
    file.rename(partial, archive)
  }
}

# Packs a folder, with paths from the folder that contains it.
pack <- function(parent, name, file) {
  working_directory <- getwd()
  if (!is.null(working_directory)) {
    on.exit(setwd(working_directory))
  }
  setwd(parent)
  utils::tar(file, name, compression = "gzip", tar = "internal")
}

# Removes archives that were written more than 90 days ago, except those of this version.
remove_outdated <- function(folder) {
  archives <- list.files(folder, full.names = TRUE)
  version <- paste0(utils::packageVersion("pyinit"), "-")
  archives <- archives[!startsWith(basename(archives), version)]
  age <- difftime(Sys.time(), file.mtime(archives), units = "days")
  unlink(archives[age > 90], recursive = TRUE)
}
