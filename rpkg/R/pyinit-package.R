#' pyinit: weight initializers of Keras, the same in R and Python
#'
#' @description
#' The weight initializers of Keras as a package of their own, with the names, arguments and
#' defaults of keras3. The values come from one random stream: the same seed gives the same weights
#' in R and in Python, to the last bit, on every machine.
#'
#' # Quick start
#' ```r
#' library(pyinit)
#' initializer <- initializer_variance_scaling(scale = 2, seed = 1)
#' initializer(shape = c(2, 2))
#'
#' # in a layer
#' library(keras3)
#' layer_dense(units = 3, kernel_initializer = pyinit::initializer_he_normal(seed = 1))
#' ```
#'
#' The Python package is included. With reticulate 1.41 or newer, reticulate creates an environment
#' with it when Python is first used; otherwise run [install_pyinit()] once.
#'
#' # Using keras3 and pyinit together
#' keras3 and pyinit export functions of the same names, and R uses those of the package attached
#' last. With both attached, name the package: `keras3::initializer_he_normal()` draws with the
#' Keras backend, while the values of `pyinit::initializer_he_normal()` do not depend on the
#' backend. Layers accept either.
#'
#' [get_config()] and [from_config()] also accept Keras objects. [set_random_seed()] seeds R, Python
#' and NumPy, but unlike `keras3::set_random_seed()` not the Keras backend. A
#' [random_seed_generator()] of one package is a seed only for that package's initializers, except
#' that those of pyinit accept Keras' seed generators too.
#'
#' @seealso
#' [pyinit_initializer] for calling initializers, [install_pyinit()] for the Python package.
#'
#' @keywords internal
"_PACKAGE"
