"""Settings of the site: ``python -m sphinx -W --keep-going -b html docs site`` builds it (decision 0500)."""

import sys
from pathlib import Path

from federates import __version__

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "Portage"
author = "the Portage developers"
project_copyright = f"2026, {author}; BSD-3-Clause"
version = release = __version__
language = "en"

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_design",
    "portage_site",
]
exclude_patterns = ["_extensions", "diagrams", "schemas"]

# The pages are written for GitHub, too: anchors of headings are GitHub's, and a fenced block is what it is there.
myst_heading_anchors = 6
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_dmath_allow_space = myst_dmath_allow_digits = False  # "14 708 $" is money
myst_fence_as_directive = ["mermaid"]

# A notebook is executed when its text has changed; what came out is kept beside the site, not in it.
nb_execution_mode = "cache"
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
default_role = "py:obj"
napoleon_google_docstring = False
napoleon_use_rtype = False

html_math_renderer = "mathml"
html_theme = "pydata_sphinx_theme"
html_title = "Portage"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_last_updated_fmt = None
html_theme_options = {
    "logo": {"text": "Portage"},
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_toc_level": 2,
}
