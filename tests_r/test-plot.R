# plot(), autoplot(), plot_signal() and signal_propagation().

# Draws on a device without a file.
on_no_device <- function(draw) {
  grDevices::pdf(NULL)
  on.exit(grDevices::dev.off())
  draw
}

plotted <- list(
  random = function() plot(initializer_he_normal(seed = 1), shape = c(24, 24)),
  bars = function() plot(initializer_identity(gain = 2), shape = c(12, 20)),
  kernel = function() plot(initializer_delta_orthogonal(seed = 1), shape = c(3, 3, 16, 16)),
  signal = function() {
    plot_signal(
      list("he_normal", "glorot_normal", initializer_random_normal(stddev = 0.3)),
      depth = 20, width = 32
    )
  }
)

test_that("pictures are as committed", {
  # protects: the look of the plots
  for (name in names(plotted)) {
    expect_picture(name, plotted[[name]])
  }
})

test_that("the tolerance finds other pictures", {
  # protects: the test above
  other <- picture_of(function() plot(initializer_he_normal(seed = 2), shape = c(24, 24)))
  expected <- read_picture("pictures/random.png")
  expect_gt(difference_of_pictures(other, expected), 1.5 * picture_tolerance)
})

test_that("numbers are Python's", {
  # protects: the same picture in both languages
  module <- reticulate::import("pyinit.plots.tensor_numbers", convert = FALSE)
  numbers <- on_no_device(plot(initializer_truncated_normal(seed = 1), shape = c(40, 30)))
  python <- reticulate::import("pyinit", convert = FALSE)
  pair <- module$as_lazy(python$TruncatedNormal(seed = 1L), c(40L, 30L))
  found <- module$tensor_numbers(pair[1L])
  expect_identical(numbers$density, as.vector(as_r_array(found$heights)))
  expect_identical(numbers$breaks, as.vector(as_r_array(found$edges)))
  expect_identical(numbers$curve$density, as.vector(as_r_array(found$curve[1L])))
  expect_identical(numbers$mean, reticulate::py_to_r(found$mean))
  expect_identical(numbers$expected_stddev, reticulate::py_to_r(found$expected_stddev))
  expect_equal(sum(numbers$density * diff(numbers$breaks)), 1)
})

test_that("the image has the values of the tensor", {
  # protects: which element is at which place
  initializer <- initializer_he_normal(seed = 1)
  numbers <- on_no_device(plot(initializer, shape = c(4, 3)))
  expect_equal(numbers$image, initializer(shape = c(4, 3)))
  kernel <- initializer(shape = c(2, 3, 4, 5))
  image <- on_no_device(plot(initializer, shape = c(2, 3, 4, 5)))$image
  expect_identical(dim(image), c(8L, 15L))
  expect_equal(image[5:8, 11:15], kernel[2, 3, , ])
})

test_that("values of positive probability are bars", {
  # protects: plots of identity matrices and constants
  numbers <- on_no_device(plot(initializer_identity(gain = 3), shape = c(4, 6)))
  expect_identical(numbers$atoms$value, c(0, 3))
  expect_equal(numbers$atoms$share, c(20, 4) / 24)
  expect_equal(numbers$atoms$expected, c(20, 4) / 24)
  expect_length(numbers$breaks, 0)
  array <- on_no_device(plot(get_initializer(matrix(c(1, 1, 5, 2), 2))))
  expect_identical(array$atoms$value, c(1, 2, 5))
  expect_identical(array$atoms$expected, rep(NA_real_, 3))
  expect_null(array$expected_mean)
  expect_identical(on_no_device(plot(initializer_constant(NaN), shape = c(2, 2)))$infinite, 4)
})

test_that("everything that has values can be plotted", {
  # protects: plots of any initializer and shape
  for (name in factories) {
    expect_silent(on_no_device(plot(make(name), shape = shape_for(name))))
  }
  expect_silent(on_no_device(plot(initializer_he_normal)))
  expect_silent(on_no_device(plot(initializer_he_normal(seed = 1), shape = integer())))
  expect_silent(on_no_device(plot(initializer_he_normal(seed = 1), shape = 7)))
  expect_silent(on_no_device(plot(initializer_ones(), shape = c(2, 2), dtype = "bool")))
  huge <- lazy_tensor(initializer_he_normal(seed = 1), shape = c(1e6, 1e3, 1e6))
  numbers <- on_no_device(plot(huge))
  expect_lte(numbers$count, 2^20)
  expect_equal(numbers$image[1:3, 1:2], huge[1, 1:3, 1:2])
})

test_that("a plot takes one draw, and none if it fails", {
  # protects: users of seed generators
  generator <- random_seed_generator(1)
  on_no_device(plot(initializer_he_normal(seed = generator), shape = c(3, 4)))
  expect_error(plot(initializer_he_normal(seed = generator), shape = c(-1, 4)))
  expect_identical(generator$`next`(), c(1, 1))
})

test_that("graphics parameters are restored", {
  # protects: later plots on the same device
  on_no_device({
    graphics::par(mfrow = c(2, 2), mar = c(1, 1, 1, 1))
    before <- graphics::par(no.readonly = TRUE)
    plotted$random()
    after <- graphics::par(no.readonly = TRUE)
    same <- setdiff(names(before), c("usr", "xaxp", "yaxp", "plt", "pin", "fin", "fig", "mfg"))
    expect_identical(after[same], before[same])
    plotted$signal()
    expect_identical(graphics::par(no.readonly = TRUE)[same], before[same])
  })
})

test_that("results are invisible", {
  # protects: the console, which would print the numbers
  on_no_device({
    expect_invisible(plotted$random())
    expect_invisible(plotted$signal())
  })
})

test_that("signals are those of the committed numbers", {
  # protects: the same numbers in both languages
  skip_if_not_installed("jsonlite")
  cases <- jsonlite::fromJSON(
    checkout_path("tests", "data", "signal_propagation.json"),
    simplifyVector = FALSE
  )
  for (case in cases) {
    arguments <- case$arguments
    found <- do.call(signal_propagation, c(list(case$initializers), arguments))
    expect_identical(unique(as.character(found$initializer)), unlist(case$initializers))
    expect_identical(
      found$layer, rep(0:arguments$depth, length(case$initializers))
    )
    expect_equal(found$activations, unlist(case$activations), tolerance = 1e-9)
    expect_equal(found$gradients, unlist(case$gradients), tolerance = 1e-9)
  }
})

test_that("labels are names, or calls in R", {
  # protects: the legend
  initializers <- list(
    "he_normal", initializer_he_normal(seed = 3), initializer_random_normal(stddev = 0.3),
    initializer_he_normal, own = "zeros",
    initializer_variance_scaling(scale = 2, mode = "fan_out")
  )
  found <- signal_propagation(initializers, depth = 1, width = 4)
  expect_identical(levels(found$initializer), c(
    "he_normal", "HeNormal()", "RandomNormal(stddev = 0.3)", "HeNormal() (2)", "own",
    "VarianceScaling(scale = 2, mode = \"fan_out\")"
  ))
  expect_identical(levels(signal_propagation("zeros", 1, 4)$initializer), "zeros")
  expect_identical(
    levels(signal_propagation(c("zeros", "ones"), 1, 4)$initializer), c("zeros", "ones")
  )
})

test_that("the legend fits", {
  # protects: plots of initializers with many arguments, of which the last was cut off
  layout_of <- function(labels) {
    on_no_device({
      pyinit:::cover_device()
      graphics::plot.new()
      pyinit:::layout_of_legend(labels)
    })
  }
  expect_identical(layout_of("zeros"), list(columns = 1L, cex = 1))
  expect_identical(layout_of(c("zeros", "ones", "he_normal")), list(columns = 3L, cex = 1))
  expect_identical(layout_of(strrep(c("a", "b", "c"), 30)), list(columns = 2L, cex = 1))
  expect_identical(layout_of(strrep(c("a", "b", "c"), 60)), list(columns = 1L, cex = 1))
  # smaller text, where there is no room for so long or so many labels
  for (labels in list(strrep(c("a", "b", "c"), 120), strrep(letters[1:20], 60))) {
    layout <- layout_of(labels)
    expect_lt(layout$cex, 1)
    size <- on_no_device({
      pyinit:::cover_device()
      graphics::plot.new()
      pyinit:::legend_below(labels, layout$columns, layout$cex)$rect
    })
    expect_lt(size$w, 1)
    expect_lt(size$h, 0.35)
  }
})

test_that("signals take one page", {
  # protects: reports and files with a page for each plot
  folder <- withr::local_tempdir()
  grDevices::png(file.path(folder, "%d.png"), 700, 500)
  plot_signal(lapply(1:24, function(scale) initializer_variance_scaling(scale, "fan_avg")), 2, 4)
  plotted$signal()
  grDevices::dev.off()
  expect_setequal(list.files(folder), c("1.png", "2.png"))
})

test_that("signals that explode or vanish are drawn", {
  # protects: plots of bad initializers
  found <- on_no_device(plot_signal(list("zeros", initializer_constant(1e30)), 30, 4))
  zeros <- found[found$initializer == "zeros", ]
  expect_true(all(zeros$activations[-1] == 0))
  expect_false(all(is.finite(found$activations)))
})

test_that("invalid arguments are errors that name them", {
  # protects: users who make a mistake
  he <- initializer_he_normal(seed = 1)
  expect_argument_error(plot(he, shape = c(0, 3)), "shape")
  expect_argument_error(plot(he, shape = c(2.5, 3)), "shape")
  expect_argument_error(plot(he, dtype = "int8"), "dtype")
  expect_error(plot(he, c(2, 2), NULL, "red"), "Unused argument", class = "pyinit_type_error")
  expect_error(plot(lazy_tensor(he, c(2, 2)), col = 2), "Unused argument: col")
  expect_argument_error(plot(initializer_orthogonal(), shape = c(5000, 5000)), "shape")
  expect_argument_error(signal_propagation("zeros", depth = 0), "depth")
  expect_argument_error(signal_propagation("zeros", depth = 2.5), "depth")
  expect_argument_error(signal_propagation("zeros", width = NA), "width")
  expect_argument_error(signal_propagation("zeros", width = c(1, 2)), "width")
  expect_argument_error(signal_propagation("zeros", activation = "gelu"), "activation")
  expect_argument_error(signal_propagation("zeros", batch_size = "2"), "batch_size")
  expect_argument_error(signal_propagation("zeros", seed = NULL), "seed")
  expect_argument_error(signal_propagation(list()), "initializers")
  expect_argument_error(signal_propagation(list(NULL)), "initializers")
  expect_argument_error(signal_propagation(list(mean)), "initializers")
  expect_argument_error(signal_propagation(initializer_dirac(), 1, 4), "initializers")
  expect_argument_error(signal_propagation("he_norm"), "initializers")
})

test_that("autoplot() returns a panel", {
  # protects: users of ggplot2
  skip_if_not_installed("ggplot2")
  he <- initializer_he_normal(seed = 1)
  numbers <- on_no_device(plot(he, shape = c(24, 20)))
  values <- ggplot2::autoplot(he, shape = c(24, 20))
  built <- ggplot2::ggplot_build(values)$data
  expect_equal(built[[1]]$ymax, numbers$density)
  expect_equal(built[[2]]$x, numbers$curve$value)
  image <- ggplot2::autoplot(lazy_tensor(he, c(24, 20)), panel = "image")
  expect_identical(nrow(ggplot2::ggplot_build(image)$data[[1]]), 24L * 20L)
  bars <- ggplot2::autoplot(initializer_identity(), shape = c(4, 6))
  expect_equal(ggplot2::ggplot_build(bars)$data[[1]]$y, c(20, 4) / 24)
  for (panel in list("both", NULL, 1)) {
    expect_argument_error(ggplot2::autoplot(he, panel = panel), "panel")
  }
  for (drawn in list(values, image, bars)) {
    expect_silent(on_no_device(print(drawn)))
  }
})
