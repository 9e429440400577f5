#' pyinit: weight initializers of Keras, the same in R and Python
#'
#' @description
#' The weight initializers of Keras as a library of their own, with the names, arguments and
#' defaults of the keras3 package. The values come from one random stream: the same seed gives the
#' same weights in R and in Python, to the last bit, on every machine.
#'
#' # Quick start
#' ```r
#' pyinit::install_pyinit() # once: the Python package, from the sources that come along
#'
#' library(pyinit)
#' initializer <- initializer_variance_scaling(scale = 2, seed = 1)
#' initializer(shape = c(2, 2))
#'
#' # in a layer
#' library(keras3)
#' layer_dense(units = 3, kernel_initializer = pyinit::initializer_he_normal(seed = 1))
#' ```
#'
#' # keras3's initializers or these
#' keras3 and pyinit export functions of the same names, and R takes the one of the package that
#' was attached last. With both attached, say which one is meant: `keras3::initializer_he_normal()`
#' draws the values of Keras' backend, `pyinit::initializer_he_normal()` those of this package,
#' which do not depend on the backend. Layers take either.
#'
#' [get_config()] and [from_config()] serve the objects of Keras too. [set_random_seed()] seeds R,
#' Python and NumPy, but not the backend of Keras, as `keras3::set_random_seed()` does besides. A
#' [random_seed_generator()] of one package works as a seed only in that package's initializers,
#' but those of this package take Keras' one as well.
#'
#' @seealso
#' [pyinit_initializer] for what an initializer can do, [install_pyinit()] for the Python package.
#'
#' @keywords internal
"_PACKAGE"
