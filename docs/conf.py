"""The configuration of the site: script/docs builds it."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_extensions")]

import pyinit  # noqa: E402

project = "pyinit"
author = "The pyinit developers"
project_copyright = author
version = release = pyinit.__version__

extensions = [
    "myst_parser",
    "sphinx_design",
    "sphinx_copybutton",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "math_as_mathml",
    "pictures",
    "r_reference",
    "python_reference",
    "command_line",
    "markdown_pages",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_extensions", "_static", "_templates"]
needs_sphinx = "8"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

# the choice of a language is kept in the browser's local storage, for all pages
sd_tabs_storage_prefix = "pyinit-"

copybutton_prompt_text = r">>> |\.\.\. |> |\+ |\$ "
copybutton_prompt_is_regexp = True
# a session's output is not copied
copybutton_only_copy_prompt_lines = True

# the frameworks need not be installed
autodoc_mock_imports = ["dask", "distributed", "flax", "jax", "keras", "pyarrow", "rpy2", "torch"]
# the docstrings describe the types
autodoc_typehints = "none"
autodoc_member_order = "bysource"
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Example", "Example")]
# single backticks
default_role = "name-or-code"

html_theme = "pydata_sphinx_theme"
html_title = "pyinit"
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("site.js", {"defer": "defer"})]
html_favicon = "_static/favicon.svg"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {
        "text": "pyinit",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo-dark.svg",
    },
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": ["version"],
}
html_context = {"default_mode": "auto", "stream_version": pyinit.STREAM_VERSION}
# these pages have no others in their section
html_sidebars = {"index": [], "start": [], "explorer": []}
