"""How Sphinx makes the documentation's site: ``uv run sphinx-build -W docs .test-artifacts/site``."""

import os
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django  # noqa: E402 - only now can its settings be found.

django.setup()

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

project = PROJECT["name"]
release = PROJECT["version"]
author = PROJECT["authors"][0]["name"]
project_copyright = f"2026 {author}"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "docs.extensions.floor_plan",
    "docs.extensions.own_members",
    "docs.extensions.public_names",
    "docs.extensions.root_pages",
]

# Docstrings are read as reStructuredText, in which one backtick means nothing yet.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 60

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3  # As forges make them: `keys.md#rotate`.

html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
copybutton_prompt_text = "$ "
