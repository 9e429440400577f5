# The spread of a signal through a stack of dense layers, by depth.

#' Spread of a signal through dense layers
#'
#' @description
#' `signal_propagation()` computes how a signal and its gradient spread through a stack of dense
#' layers: the standard deviations of the activations and of the gradients, by depth.
#' `plot_signal()` draws them on a logarithmic scale.
#'
#' A spread that is the same at every depth lets a signal and its gradient pass. One that grows or
#' shrinks by a constant factor in each layer explodes or vanishes with the depth.
#'
#' @details
#' The stack has `depth` dense layers of `width` units without bias. Layer l computes
#' `x[l] = f(x[l - 1] W[l])`, where f is the activation function and the product is that of
#' matrices. The kernel `W[l]` is drawn by the initializer with the seed
#' `derive_seed(seed, "layer_<l>/kernel")`; an initializer without a seed draws its usual
#' values. The input `x[0]` and the gradient of the loss with respect to the output `x[depth]` are
#' standard normal, of shape `c(batch_size, width)`, with the seeds `derive_seed(seed, "input")` and
#' `derive_seed(seed, "gradient")`. Gradients are propagated back exactly. All these values are
#' drawn as float32; the arithmetic is double precision, in Python. The numbers are those of
#' `pyinit.signal_propagation()`.
#'
#' `plot_signal()` leaves out values of 0, and others below 1e-250 or above 1e250.
#'
#' @param initializers
#' An initializer, its name, or a list of these. The names of the list are the labels. Seeds of
#' their own are not used.
#'
#' @param depth
#' The number of layers.
#'
#' @param width
#' The number of units of each layer.
#'
#' @param activation
#' `"linear"`, `"relu"`, `"leaky_relu"` (of slope 0.2 below 0), `"elu"`, `"selu"`, `"silu"`,
#' `"tanh"` or `"sigmoid"`, as in Keras.
#'
#' @param batch_size
#' The number of rows of the input.
#'
#' @param seed
#' A whole number from -2^53 to 2^53, or a seed of [derive_seed()].
#'
#' @returns
#' A data frame with the columns `initializer`, a factor, `layer`, from 0 for the input to `depth`,
#' `activations` and `gradients`: the standard deviations. `plot_signal()` returns it invisibly.
#'
#' @export
#' @seealso
#' [plot()][plot.pyinit_initializer]
#'
#' + Glorot and Bengio 2010, <https://proceedings.mlr.press/v9/glorot10a.html>
#' + He et al. 2015, <https://arxiv.org/abs/1502.01852>
#' @examplesIf pyinit_available()
#' plot_signal(list("he_normal", "glorot_normal"), depth = 20, width = 64)
#' found <- signal_propagation(
#'   list(small = initializer_random_normal(stddev = 0.01)),
#'   depth = 3, activation = "tanh"
#' )
#' found
signal_propagation <- function(initializers, depth = 50, width = 256, activation = "relu",
                               batch_size = 64, seed = 1) {
  check_given()
  initializers <- keep_unused_random_state(labelled_initializers(initializers))
  sizes <- plain_arguments(
    list(depth = depth, width = width, activation = activation, batch_size = batch_size)
  )
  seed <- as_fixed_seed(seed, sub(", ", ", or ", allowed_seed))
  handles <- lapply(unname(initializers), function(x) handle_of(state_of(x)))
  spreads <- value_from_python(plots_bridge()$propagated(
    handles, as.list(names(initializers)), sizes$depth, sizes$width, sizes$activation,
    sizes$batch_size, seed
  ))
  labels <- names(initializers)
  layers <- seq_len(length(spreads[[1L]]) / length(labels)) - 1L
  data.frame(
    initializer = factor(rep(labels, each = length(layers)), labels),
    layer = rep(layers, length(labels)),
    activations = as.double(spreads[[1L]]),
    gradients = as.double(spreads[[2L]])
  )
}

#' @rdname signal_propagation
#' @export
plot_signal <- function(initializers, depth = 50, width = 256, activation = "relu",
                        batch_size = 64, seed = 1) {
  found <- signal_propagation(initializers, depth, width, activation, batch_size, seed)
  old <- graphics::par(c("mfrow", "mar", "oma", "cex", "mgp", "las", "tcl", "xpd"))
  # a plot that fails would leave `new` set, and the next one would be drawn over it
  on.exit(graphics::par(c(old, new = FALSE)))
  labels <- levels(found$initializer)
  # the width of a text is known once the page is started
  cover_device()
  graphics::plot.new()
  layout <- layout_of_legend(labels)
  lines <- layout$cex * ceiling(length(labels) / layout$columns)
  graphics::par(
    mfrow = c(1L, 2L), mar = c(3.2, 4.2, 1.8, 0.8), oma = c(lines + 0.8, 0, 1.6, 0),
    cex = 0.8, mgp = c(2, 0.6, 0), las = 1L, tcl = -0.3
  )
  # draw the panels on that page
  graphics::par(mfg = c(1L, 1L))
  draw_spreads(found, "activations", "standard deviation")
  draw_spreads(found, "gradients", "")
  text <- sprintf(
    "%.0f dense layers of %s units, %s, seed %s", max(found$layer), shown_setting(width),
    shown_setting(activation), show_value(seed)
  )
  graphics::mtext(text, side = 3L, line = 0.3, outer = TRUE, adj = 0.01, cex = 0.9)
  cover_device()
  graphics::par(new = TRUE)
  graphics::plot.new()
  legend_below(labels, layout$columns, layout$cex)
  invisible(found)
}

# A number or a string, which may be an object of Python or have a class, as text.
shown_setting <- function(x) {
  if (is_python_object(x)) as.character(reticulate::py_to_r(x)) else format(plain_argument("x", x))
}

# The initializers as a list with labels as names.
labelled_initializers <- function(initializers) {
  initializers <- list_of_initializers(initializers)
  found <- lapply(initializers, function(identifier) {
    get_initializer_for("initializers", identifier)
  })
  is_ours <- vapply(found, is_initializer, NA)
  if (!all(is_ours)) {
    stop_argument("initializers", initializers[!is_ours][[1L]], allowed_signals)
  }
  names <- names(found)
  for (i in seq_along(found)) {
    given <- if (is.null(names)) "" else names[[i]]
    label <- if (nzchar(given)) given else label_of(initializers[[i]], found[[i]])
    names(found)[[i]] <- label
  }
  names(found) <- make_unique(names(found))
  found
}

allowed_signals <- "initializers of pyinit, their names, or a list of these"

list_of_initializers <- function(initializers) {
  if (is.object(initializers)) {
    initializers <- plain_argument("initializers", initializers)
  } else if (is.list(initializers) || is.character(initializers)) {
    check_length("initializers", initializers)
  } else if (is.atomic(initializers) && !is.null(initializers)) {
    # an array, which get_initializer() would take
    stop_argument("initializers", initializers, allowed_signals)
  }
  is_description <- is.list(initializers) && "class_name" %in% names(initializers)
  is_many <- is.list(initializers) || is.character(initializers) && length(initializers) > 1L
  if (is_description || !is_many) {
    initializers <- list(initializers)
  }
  if (length(initializers) == 0L) {
    stop_argument("initializers", initializers, "at least one initializer")
  }
  initializers
}

# An initializer's name, or its class with the arguments that are not the defaults.
label_of <- function(identifier, initializer) {
  if (is.character(identifier)) {
    return(as.vector(identifier))
  }
  state <- state_of(initializer)
  names <- as.character(value_from_python(plots_bridge()$plotted_names(handle_of(state))))
  arguments <- shown_arguments(state$config[names], NULL)
  sprintf("%s(%s)", state$class_name, toString(arguments))
}

# Appends a number to repeated labels.
make_unique <- function(labels) {
  for (i in seq_along(labels)) {
    number <- 2L
    label <- labels[[i]]
    while (labels[[i]] %in% labels[seq_len(i - 1L)]) {
      labels[[i]] <- sprintf("%s (%d)", label, number)
      number <- number + 1L
    }
  }
  labels
}

draw_spreads <- function(found, column, ylab) {
  spread <- found[[column]]
  # beyond, the margins of the axes overflow
  drawable <- !is.na(spread) & spread > 1e-250 & spread < 1e250
  # at least two decades: noise of some percent would look like a trend
  limits <- range(spread[drawable], 0.1, 10)
  depth <- max(found$layer)
  graphics::plot.new()
  graphics::plot.window(c(0, depth), limits, log = "y")
  graphics::grid(col = grDevices::adjustcolor("grey50", 0.3), lty = 1L, lwd = 0.6, equilogs = FALSE)
  graphics::title(xlab = "layer")
  graphics::title(ylab = ylab, line = 3)
  labels <- levels(found$initializer)
  colours <- rep_len(series_colours, length(labels))
  marks <- rep_len(series_marks, length(labels))
  marked <- seq(0, depth, by = max(1, depth %/% 10))
  for (i in seq_along(labels)) {
    is_drawn <- drawable & found$initializer == labels[[i]]
    graphics::lines(found$layer[is_drawn], spread[is_drawn], col = colours[[i]], lwd = 1.8)
    is_marked <- is_drawn & found$layer %in% marked
    graphics::points(found$layer[is_marked], spread[is_marked],
      col = colours[[i]], bg = colours[[i]], pch = marks[[i]]
    )
  }
  draw_powers(limits)
  graphics::axis(1L, lwd = 0, lwd.ticks = 1)
  graphics::box(bty = "l")
  panel_title(column)
}

series_marks <- c(16L, 15L, 17L, 18L, 25L, 4L, 3L)

# A logarithmic axis: powers of 10, or R's own ticks if there are few of them.
draw_powers <- function(limits) {
  powers <- seq(ceiling(log10(limits[[1L]])), floor(log10(limits[[2L]])))
  if (log10(limits[[2L]]) - log10(limits[[1L]]) < 3) {
    graphics::axis(2L, lwd = 0, lwd.ticks = 1)
    return()
  }
  step <- max(1, ceiling(length(powers) / 7))
  powers <- powers[powers %% step == 0]
  labels <- parse(text = sprintf("10^%d", as.integer(powers)))
  graphics::axis(2L, 10^powers, labels, lwd = 0, lwd.ticks = 1)
}

# Makes the next plot cover the whole device, without margins.
cover_device <- function() {
  graphics::par(mfrow = c(1L, 1L), mar = c(0, 0, 0, 0), oma = c(0, 0, 0, 0), cex = 0.8)
}

# The number of columns, up to 3, and the size of the text with which the legend is at most as wide
# as the device and a third as high. The text is as large as possible; text that would have to be
# smaller than can be read is cut off.
layout_of_legend <- function(labels) {
  numbers <- rev(seq_len(min(3L, length(labels))))
  scales <- vapply(numbers, function(columns) {
    size <- legend_below(labels, columns, plot = FALSE)$rect
    min(1, (1 - 2 * legend_inset) / size$w, 1 / 3 / size$h)
  }, 0)
  scale <- max(scales)
  # 0.97, since the width of a text is not quite proportional to its size
  list(
    columns = numbers[[which.max(scales)]], cex = if (scale < 1) max(0.6, 0.97 * scale) else 1
  )
}

legend_inset <- 0.01

# A legend of all labels at the bottom of a plot that covers the device.
legend_below <- function(labels, columns, cex = 1, plot = TRUE) {
  colours <- rep_len(series_colours, length(labels))
  # the spaces separate columns
  graphics::legend("bottomleft",
    inset = legend_inset, legend = paste0(labels, "  "), ncol = columns, bty = "n", lwd = 1.8,
    col = colours, pt.bg = colours,
    pch = rep_len(series_marks, length(labels)), cex = cex, plot = plot
  )
}
