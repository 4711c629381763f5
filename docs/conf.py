"""Sphinx: the Markdown pages of this folder, and the API from its docstrings."""

import deepbio_torch

project = "deepbio_torch"
author = "the deepbio_torch developers"
version = release = deepbio_torch.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
html_theme = "furo"
html_title = f"deepbio_torch {version}"
exclude_patterns = ["conf.py"]
myst_heading_anchors = 3
# Links out of this folder (to the source map) are for readers of the repository.
suppress_warnings = ["myst.xref_missing", "ref.python"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_custom_sections = [("Options", "params_style")]
