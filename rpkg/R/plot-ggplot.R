# Plots with ggplot2.

# the columns that aes() names
utils::globalVariables(
  c("column", "value", "density", "left", "right", "place", "share", "expected")
)

# A panel of the plot of a lazy tensor as a ggplot object.
ggplot_of <- function(x, panel) {
  numbers <- numbers_of(x)
  titles <- titles_of(x, numbers)
  is_image <- panel == "image"
  drawn <- if (is_image) {
    ggplot_image(numbers, titles)
  } else if (length(numbers$breaks) > 0L) {
    ggplot_histogram(numbers, titles)
  } else {
    ggplot_atoms(numbers)
  }
  drawn + ggplot2::labs(
    title = titles$name,
    subtitle = paste0(titles$about, "\n", if (is_image) titles$part else titles$moments)
  ) + ggplot2::theme(
    plot.title = ggplot2::element_text(size = ggplot2::rel(1)),
    plot.subtitle = ggplot2::element_text(size = ggplot2::rel(0.8)),
    legend.position = if (is_image) "right" else "top"
  )
}

ggplot_histogram <- function(numbers, titles) {
  breaks <- numbers$breaks
  bins <- data.frame(
    left = breaks[-length(breaks)], right = breaks[-1L], density = numbers$density
  )
  theory <- "theoretical density"
  highest <- max(bins$density)
  curve <- numbers$curve
  curve$density <- pmin(curve$density, 1.5 * highest)
  drawn <- ggplot2::ggplot() +
    ggplot2::geom_rect(
      ggplot2::aes(xmin = left, xmax = right, ymin = 0, ymax = density, fill = titles$count),
      data = bins, alpha = 0.75
    ) +
    ggplot2::scale_fill_manual(values = bar_colour, name = NULL) +
    ggplot2::labs(x = titles$value, y = "density")
  if (nrow(curve) == 0L) {
    return(drawn)
  }
  drawn +
    ggplot2::geom_path(
      ggplot2::aes(x = value, y = density, colour = theory),
      data = curve, linewidth = 0.9
    ) +
    ggplot2::scale_colour_manual(values = theory_colour, name = NULL)
}

ggplot_atoms <- function(numbers) {
  atoms <- numbers$atoms
  atoms$place <- factor(sprintf("%.4g", atoms$value), sprintf("%.4g", atoms$value))
  drawn <- ggplot2::ggplot(atoms, ggplot2::aes(x = place, y = share)) +
    ggplot2::geom_col(ggplot2::aes(fill = "share of the values"), alpha = 0.75, width = 0.6) +
    ggplot2::scale_fill_manual(values = bar_colour, name = NULL) +
    ggplot2::labs(x = "value", y = "share")
  if (nrow(atoms) == 0L || anyNA(atoms$expected)) {
    return(drawn)
  }
  drawn +
    ggplot2::geom_point(
      ggplot2::aes(y = expected, colour = "theoretical probability"),
      shape = 18L, size = 3
    ) +
    ggplot2::scale_colour_manual(values = theory_colour, name = NULL)
}

ggplot_image <- function(numbers, titles) {
  image <- numbers$image
  cells <- data.frame(
    row = as.vector(row(image)), column = as.vector(col(image)), value = as.vector(image)
  )
  scale <- colours_of(image)
  drawn <- ggplot2::ggplot(cells, ggplot2::aes(x = column, y = row, fill = value)) +
    ggplot2::geom_raster() +
    ggplot2::scale_fill_gradientn(colours = scale$colours, limits = scale$limits, name = NULL) +
    ggplot2::scale_y_reverse() +
    ggplot2::labs(x = titles$columns, y = titles$rows)
  if (is_strip(image)) {
    drawn + ggplot2::coord_cartesian(expand = FALSE)
  } else {
    drawn + ggplot2::coord_fixed(expand = FALSE)
  }
}
