# Pictures of the current graphics device, compared with committed ones.
#
# Fonts differ between machines, so the pictures are drawn without texts. To write the committed
# pictures again: PYINIT_WRITE_PICTURES=1 Rscript tests_r/run.R

# Draws without texts; returns the pixels, colours from 0 to 1.
picture_of <- function(draw, file = tempfile(fileext = ".png")) {
  grDevices::png(file, 400, 190, pointsize = 6, type = "cairo")
  tryCatch(
    {
      graphics::par(
        col = "transparent", col.axis = "transparent", col.lab = "transparent"
      )
      draw()
    },
    finally = grDevices::dev.off()
  )
  read_picture(file)
}

read_picture <- function(file) {
  testthat::skip_if_not(reticulate::py_module_available("matplotlib"), "needs Matplotlib")
  imread <- reticulate::import("matplotlib.image", convert = FALSE)$imread
  as_r_array(imread(normalizePath(file)))[, , 1:3]
}

# Expects a picture that differs from a committed one by a few pixels at most.
expect_picture <- function(name, draw) {
  testthat::skip_if_not(capabilities("cairo"), "needs cairo")
  committed <- file.path("pictures", paste0(name, ".png"))
  if (nzchar(Sys.getenv("PYINIT_WRITE_PICTURES"))) {
    dir.create("pictures", showWarnings = FALSE)
    picture_of(draw, committed)
  }
  expected <- read_picture(committed)
  drawn <- picture_of(draw)
  testthat::expect_identical(dim(drawn), dim(expected))
  testthat::expect_lt(difference_of_pictures(drawn, expected), picture_tolerance)
}

# The root mean square of the differences.
difference_of_pictures <- function(first, second) sqrt(mean((first - second)^2))

picture_tolerance <- 0.08
