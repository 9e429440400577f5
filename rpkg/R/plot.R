# Plots of initializers and lazy tensors, in base graphics and in ggplot2.

#' Plot the values of an initializer
#'
#' @description
#' `plot()` draws the histogram of the values of a tensor, and the tensor as an image.
#'
#' The histogram is drawn with the theoretical density, which is exact: uniform, normal, truncated
#' normal, or, for an element of an orthogonal matrix, that of a coordinate of a point on a sphere.
#' Values with a positive probability, such as those of [initializer_identity()], are bars. If the
#' distribution is unknown, as that of an array, the histogram is drawn alone.
#'
#' The last dimension of the tensor counts the columns of the image, the others its rows. A kernel
#' of a convolution over two or more dimensions is a grid of its (inputs, outputs) matrices. A
#' tensor of any size can be plotted: the image shows at most 512 rows and columns from the origin,
#' the histogram at most 2^20 values, evenly spaced, and only these are computed.
#'
#' With ggplot2, `autoplot()` returns one of the two panels as a ggplot object.
#'
#' In Python, `pyinit.plot(initializer, shape)` draws the same figure with Matplotlib.
#'
#' @param x,object
#' An initializer, see [pyinit_initializer], or a [lazy_tensor()]. A seed generator's next draw is
#' taken, as in a call.
#'
#' @param shape
#' The dimensions of the tensor, whole numbers. A lazy tensor has its own.
#'
#' @param dtype
#' The name of the dtype; `NULL` means [floatx()].
#'
#' @param panel
#' `"values"` for the histogram, `"image"` for the image.
#'
#' @param ...
#' Not used.
#'
#' @returns
#' `plot()` returns the numbers of the plot, invisibly: a list with
#' - `count`: the number of values in the histogram,
#' - `infinite`: the number of other values, which are not finite,
#' - `mean`, `stddev`: of these values,
#' - `expected_mean`, `expected_stddev`: in theory, or `NULL` if unknown,
#' - `breaks`, `density`: the histogram,
#' - `curve`: the theoretical density, a data frame with `value` and `density`,
#' - `atoms`: values that many elements have, a data frame with `value`, `share` and `expected`, the
#'   theoretical probability,
#' - `image`: the values in the image, a matrix.
#'
#' `autoplot()` returns a ggplot object.
#'
#' @name plot.pyinit_initializer
#' @seealso [plot_signal()]
#' @examplesIf pyinit_available()
#' plot(initializer_he_normal(seed = 1), shape = c(256, 128))
#' plot(initializer_delta_orthogonal(seed = 1), shape = c(3, 3, 32, 32))
#'
#' numbers <- plot(lazy_tensor(initializer_glorot_uniform(seed = 1), shape = c(50000, 4096)))
#' c(numbers$stddev, numbers$expected_stddev)
NULL

#' @rdname plot.pyinit_initializer
#' @export
plot.pyinit_initializer <- function(x, shape = c(256, 256), dtype = NULL, ...) {
  check_dots_empty(...)
  plot_tensor(lazy_tensor(x, shape, dtype))
}

#' @rdname plot.pyinit_initializer
#' @export
plot.pyinit_lazy_tensor <- function(x, ...) { # nolint: object_name_linter.
  check_dots_empty(...)
  plot_tensor(x)
}

#' @export
plot.pyinit_factory <- function(x, ...) plot(as_called(x), ...)

#' @export
plot.pyinit_array_initializer <- function(x, ...) { # nolint: object_name_linter.
  check_dots_empty(...)
  plot_tensor(lazy_array(x))
}

#' @rdname plot.pyinit_initializer
#' @exportS3Method ggplot2::autoplot
autoplot.pyinit_initializer <- function(object, shape = c(256, 256), dtype = NULL, # nolint
                                        panel = "values", ...) {
  check_dots_empty(...)
  check_panel(panel)
  ggplot_of(lazy_tensor(object, shape, dtype), panel)
}

#' @rdname plot.pyinit_initializer
#' @exportS3Method ggplot2::autoplot
autoplot.pyinit_lazy_tensor <- function(object, panel = "values", ...) { # nolint
  check_dots_empty(...)
  check_panel(panel)
  ggplot_of(object, panel)
}

check_panel <- function(panel) {
  if (!is_string(panel) || !panel %in% c("values", "image")) {
    stop_argument("panel", panel, "one of \"values\", \"image\"")
  }
}

# The lazy tensor of the initializer that get_initializer() makes from an array.
lazy_array <- function(x) {
  values <- state_of(x)$values
  dim <- dim(values)
  lazy_tensor(initializer_constant(values), if (is.null(dim)) length(values) else dim)
}

# The numbers of a plot of a lazy tensor, and how to show them.
numbers_of <- function(x) {
  state <- lazy_state(x)
  found <- call_python(plots_bridge()$plotted_numbers(read_of(state)))
  numbers <- reticulate::py_to_r(found[1L])
  curve <- lapply(numbers$curve, as.double)
  atoms <- numbers$atoms
  list(
    count = numbers$count,
    infinite = numbers$infinite,
    mean = numbers$mean,
    stddev = numbers$stddev,
    expected_mean = numbers$expected_mean,
    expected_stddev = numbers$expected_stddev,
    breaks = as.double(numbers$breaks),
    density = as.double(numbers$density),
    curve = data.frame(value = curve[[1L]], density = curve[[2L]]),
    atoms = data.frame(
      value = as.double(atoms[[1L]]),
      share = as.double(atoms[[2L]]),
      expected = vapply(atoms[[3L]], function(x) if (is.null(x)) NA_real_ else x, 0)
    ),
    image = array_from_python(plots_bridge()$plotted_image, found[0L]),
    corner = as.double(numbers$corner),
    row_axes = as.double(numbers$row_axes),
    column_axes = as.double(numbers$column_axes)
  )
}

# The texts of a plot.
titles_of <- function(x, numbers) {
  state <- lazy_state(x)
  moment <- function(value, expected) {
    shown <- format(value, digits = 3L)
    if (is.null(expected) || !is.finite(value)) {
      return(shown)
    }
    sprintf("%s (theory %s)", shown, format(expected, digits = 3L))
  }
  axes <- function(name, axes) {
    sprintf("%s (%s %s)", name, if (length(axes) > 1L) "dimensions" else "dimension",
      toString(axes + 1))
  }
  size <- prod(state$shape)
  count <- big_number(numbers$count)
  not_shown <- sprintf("%.3g%% of the values are %.4g", 100 * numbers$atoms$share,
    numbers$atoms$value)
  is_histogram <- length(numbers$breaks) > 0L
  list(
    name = code_of_source(state),
    about = sprintf("shape %s, %s", show_shape(state$shape), state$dtype),
    moments = paste0(
      "mean ", moment(numbers$mean, numbers$expected_mean),
      ", standard deviation ", moment(numbers$stddev, numbers$expected_stddev),
      if (numbers$infinite > 0) sprintf(", %.0f not finite", numbers$infinite)
    ),
    count = paste0(
      count, if (numbers$count < size) paste(" of", big_number(size)),
      if (size == 1) " value" else " values"
    ),
    value = if (is_histogram && length(not_shown) > 0L) {
      sprintf("value (%s: not shown)", toString(not_shown))
    } else {
      "value"
    },
    part = part_of(state$shape, numbers$corner),
    rows = if (length(numbers$row_axes) > 0L) axes("rows", numbers$row_axes) else "",
    columns = if (length(numbers$column_axes) > 0L) axes("columns", numbers$column_axes) else ""
  )
}

show_shape <- function(shape) if (length(shape) == 0L) "integer()" else show_value(shape)

big_number <- function(x) format(x, big.mark = " ", scientific = FALSE)

# The index of the part of a tensor in the image.
part_of <- function(shape, corner) {
  if (identical(as.double(corner), as.double(shape))) {
    return("all values")
  }
  sprintf("weights[%s]", toString(ifelse(corner == shape, "", sprintf("1:%.0f", corner))))
}

# Colours that remain distinct for colour-blind readers, on light and dark backgrounds: M. Okabe and
# K. Ito, "Color Universal Design" (2008).
bar_colour <- "#56B4E9"
theory_colour <- "#D55E00"
series_colours <- c("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9")

# The colours of the image and the values of the first and the last of them: diverging from 0 if
# there are values of both signs.
colours_of <- function(image) {
  finite <- image[is.finite(image)]
  limits <- if (length(finite) > 0L) range(finite) else c(0, 0)
  if (limits[[1L]] < 0 && limits[[2L]] > 0) {
    list(
      colours = grDevices::hcl.colors(256L, "RdBu", rev = TRUE),
      limits = max(abs(limits)) * c(-1, 1)
    )
  } else {
    list(colours = grDevices::hcl.colors(256L, "Cividis"), limits = limits)
  }
}
