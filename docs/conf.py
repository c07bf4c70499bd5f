"""The documents as a site: sphinx-build -W docs build/docs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx

from geo import __version__

HERE = Path(__file__).resolve().parent

project = "geo-control"
author = copyright = "the geo-control contributors"
version = release = __version__
extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_click",
    "sphinx_copybutton",
]
myst_heading_anchors = 4
templates_path = ["_templates"]
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

default_role = "py:obj"

html_theme = "pydata_sphinx_theme"
html_title = "geo-control"
html_show_sourcelink = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
html_sidebars = {"**": ["pages.html"]}
html_theme_options = {
    "navbar_center": [],
    "navigation_with_keys": False,
    "use_edit_page_button": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def make_pictures(_app: Sphinx) -> None:
    """Run the gallery's commands and keep what they make in docs/pictures."""
    work = HERE.parent / "build" / "gallery"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in re.findall(r"^```sh\n(.*?)^```", (HERE / "gallery.md").read_text(encoding="utf-8"), flags=re.M | re.S):
        subprocess.run(["bash", "-euo", "pipefail", "-c", block], cwd=work, env={**os.environ, "PATH": path},
                       check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    shutil.rmtree(HERE / "pictures", ignore_errors=True)
    shutil.copytree(work / "pictures", HERE / "pictures")


def clear(_app: Sphinx, _error: Exception | None) -> None:
    for made in ("pictures", "api"):
        shutil.rmtree(HERE / made, ignore_errors=True)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", make_pictures)
    app.connect("build-finished", clear)
