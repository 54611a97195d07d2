"""The configuration of the documentation site, built by Sphinx from plain Markdown.

MyST parses CommonMark and resolves links as a code host does, including links to files outside this
folder. Zensical, the successor of MkDocs' themes, does not resolve those (0.0.73). Neither the build
nor the pages load anything from a network.
"""

import re
from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "modegate"
version = release = version_of("modegate")
extensions = ["myst_parser"]
exclude_patterns = ["conf.py"]
myst_heading_anchors = 3
nitpicky = True
html_theme = "furo"
html_title = f"modegate {release}"
html_copy_source = False
show_warning_types = True

SECTION = re.compile(r"^## (.+)\n((?:(?!## ).*\n?)*)", re.MULTILINE)
PAGE = re.compile(r"\]\(([\w/-]+)\.md\)")


def add_navigation(_: Sphinx, docname: str, source: list[str]) -> None:
    """Adds a hidden table of contents to the first page, from its sections and links."""
    if docname == "index":
        for caption, body in SECTION.findall(source[0]):
            source[0] += toctree(caption, *PAGE.findall(body))
    elif docname == "adr/README":
        source[0] += toctree("Decisions", "[0-9]*")


def toctree(caption: str, *pages: str) -> str:
    """Returns a table of contents in MyST syntax, which code hosts do not support."""
    listed = "\n".join(pages)
    return f"\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    """Registers the extension; called by Sphinx."""
    app.connect("source-read", add_navigation)
