# Plots in base graphics.

# Draws both panels, side by side, and returns the numbers.
plot_tensor <- function(x) {
  numbers <- numbers_of(x)
  titles <- titles_of(x, numbers)
  old <- graphics::par(c("mfrow", "mar", "oma", "cex", "mgp", "las", "tcl"))
  on.exit({
    graphics::layout(1)
    graphics::par(old)
  })
  graphics::layout(matrix(1:3, nrow = 1L), widths = c(1.3, 1, 0.22))
  graphics::par(cex = 0.8, mgp = c(2, 0.6, 0), oma = c(0, 0, 2.6, 0), las = 1L, tcl = -0.3)
  graphics::par(mar = c(3.2, 3.6, 1.8, 0.8))
  if (length(numbers$breaks) > 0L) {
    draw_histogram(numbers, titles)
  } else {
    draw_atoms(numbers)
  }
  panel_title(titles$moments)
  graphics::mtext(paste0(titles$name, "\n", titles$about),
    side = 3L, line = 0.3, outer = TRUE, adj = 0.01, cex = 0.9, padj = 0
  )
  scale <- colours_of(numbers$image)
  draw_image(numbers$image, titles, scale)
  panel_title(titles$part)
  draw_scale(scale)
  invisible(numbers[setdiff(names(numbers), c("corner", "row_axes", "column_axes"))])
}

# A title above a panel, as small as its width requires.
panel_title <- function(text) {
  cex <- 0.72
  width <- graphics::strwidth(text, "inches", cex = cex / graphics::par("cex"))
  room <- graphics::par("pin")[[1L]] + graphics::par("mai")[[4L]]
  graphics::mtext(text, side = 3L, line = 0.4, adj = 0, cex = cex * min(1, room / width))
}

# An empty panel with light grid lines behind the data.
start_panel <- function(xlim, ylim, xlab, ylab, nx = NULL) {
  graphics::plot.new()
  graphics::plot.window(xlim, ylim, yaxs = "i")
  graphics::grid(nx, NULL, col = grDevices::adjustcolor("grey50", 0.3), lty = 1L, lwd = 0.6)
  graphics::title(xlab = xlab, ylab = ylab)
}

draw_histogram <- function(numbers, titles) {
  breaks <- numbers$breaks
  curve <- numbers$curve
  highest <- max(numbers$density)
  if (nrow(curve) > 0L) {
    highest <- max(highest, min(max(curve$density), 1.5 * highest))
  }
  # room for the legend
  is_long <- nchar(titles$count) > 20L
  top <- if (is_long) 1.35 else 1.25
  start_panel(range(breaks, curve$value), c(0, top * highest), titles$value, "density")
  graphics::rect(
    breaks[-length(breaks)], 0, breaks[-1L], numbers$density,
    col = grDevices::adjustcolor(bar_colour, 0.75), border = NA
  )
  if (nrow(curve) > 0L) {
    shown <- pmin(curve$density, 2 * highest)
    graphics::lines(curve$value, shown, col = theory_colour, lwd = 2)
  }
  draw_axes()
  graphics::legend("topright",
    legend = c(titles$count, if (nrow(curve) > 0L) "theoretical density"),
    col = c(bar_colour, theory_colour), pch = c(15L, NA), lty = c(NA, 1L), lwd = 2,
    pt.cex = 1.6, bty = "n", horiz = !is_long
  )
}

draw_axes <- function(at = NULL, labels = TRUE) {
  graphics::axis(1L, at, labels, lwd = 0, lwd.ticks = 1)
  graphics::axis(2L, lwd = 0, lwd.ticks = 1)
  graphics::box(bty = "l")
}

draw_atoms <- function(numbers) {
  atoms <- numbers$atoms
  count <- nrow(atoms)
  if (count == 0L) {
    graphics::plot.new()
    graphics::text(0.5, 0.5, "no finite values")
    return()
  }
  places <- seq_len(count)
  start_panel(c(0.2, count + 0.8), c(0, 1.25 * max(atoms$share)), "value", "share", nx = NA)
  graphics::rect(places - 0.3, 0, places + 0.3, atoms$share,
    col = grDevices::adjustcolor(bar_colour, 0.75), border = NA
  )
  if (count <= 6L) {
    graphics::text(places, atoms$share, sprintf("%.4g%%", 100 * atoms$share), pos = 3L)
  }
  has_theory <- !anyNA(atoms$expected)
  if (has_theory) {
    graphics::points(places, atoms$expected, pch = 18L, cex = 1.6, col = theory_colour)
  }
  draw_axes(places, sprintf("%.4g", atoms$value))
  graphics::legend("topright",
    legend = c("share of the values", if (has_theory) "theoretical probability"),
    col = c(bar_colour, theory_colour), pch = c(15L, 18L), pt.cex = 1.6, bty = "n", horiz = TRUE
  )
}

# The colour of each value of a matrix, as a raster.
raster_of <- function(image, scale) {
  low <- scale$limits[[1L]]
  range <- scale$limits[[2L]] - low
  position <- if (range > 0) (image - low) / range else image * 0
  index <- pmin(pmax(floor(position * 256) + 1, 1), 256)
  colours <- scale$colours[index]
  colours[is.na(colours)] <- NA
  grDevices::as.raster(matrix(colours, nrow(image)))
}

# Whether an image with square pixels would be hard to see: a row of values would be a line.
is_strip <- function(image) {
  ratio <- nrow(image) / ncol(image)
  ratio <= 1 / 4 || ratio >= 4
}

draw_image <- function(image, titles, scale) {
  rows <- nrow(image)
  columns <- ncol(image)
  graphics::plot.new()
  graphics::plot.window(
    c(0.5, columns + 0.5), c(rows + 0.5, 0.5),
    asp = if (is_strip(image)) NA else 1, xaxs = "i", yaxs = "i"
  )
  graphics::rasterImage(raster_of(image, scale), 0.5, rows + 0.5, columns + 0.5, 0.5,
    interpolate = FALSE
  )
  graphics::rect(0.5, rows + 0.5, columns + 0.5, 0.5)
  at <- function(length) {
    ticks <- pretty(c(1, length), 5)
    unique(c(1, ticks[ticks >= 1 & ticks <= length & ticks == round(ticks)]))
  }
  graphics::axis(1L, at(columns), pos = rows + 0.5, lwd = 0, lwd.ticks = 1)
  graphics::axis(2L, at(rows), pos = 0.5, lwd = 0, lwd.ticks = 1)
  # beside the image, which the aspect ratio may separate from the margin
  line <- abs(graphics::par("cxy"))
  graphics::text((columns + 1) / 2, rows + 0.5 + 2.2 * line[[2L]], titles$columns, xpd = NA)
  graphics::text(0.5 - 4.2 * line[[1L]], (rows + 1) / 2, titles$rows, srt = 90, xpd = NA)
}

# The colours of the image beside it, with their values.
draw_scale <- function(scale) {
  graphics::par(mar = c(3.2, 0.2, 1.8, 3.4))
  graphics::plot.new()
  limits <- scale$limits
  if (limits[[1L]] < limits[[2L]]) {
    graphics::plot.window(c(0, 1), limits, xaxs = "i", yaxs = "i")
    colours <- grDevices::as.raster(rev(scale$colours))
    graphics::rasterImage(colours, 0, limits[[1L]], 1, limits[[2L]])
    graphics::axis(4L, lwd = 0, lwd.ticks = 1)
  }
}
