"""The documentation's site: Sphinx reads the same Markdown that a code host shows.

MyST reads CommonMark and resolves links as a code host does, also to files outside of this folder,
which Zensical, the successor of MkDocs' themes, does not (0.0.73). Nothing is loaded from a network,
neither by the build nor by the pages.
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
    """Give the first page a hidden table of contents: the sections and pages that it links to."""
    if docname == "index":
        for caption, body in SECTION.findall(source[0]):
            source[0] += toctree(caption, *PAGE.findall(body))
    elif docname == "adr/README":
        source[0] += toctree("Decisions", "[0-9]*")


def toctree(caption: str, *pages: str) -> str:
    """In MyST's form, which no code host understands; that is why no page has it."""
    listed = "\n".join(pages)
    return f"\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n\n{listed}\n```\n"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", add_navigation)
