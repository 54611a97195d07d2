"""The fenced snippets of the documents, and what is said about running them.

A comment right before the fence says how a snippet is run; without one it is run alone:

    <!-- continues -->          it goes on from the last one of its language on the page
    <!-- part of: FILE -->      it stands in the file, which a test of its own runs
    <!-- not run: REASON -->    it cannot be run here
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n+)?^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced block; `mark` is the comment before it."""

    page: Path
    line: int
    language: str
    code: str
    mark: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def part_of(self) -> Path | None:
        """The file that it stands in."""
        name = self.mark.removeprefix("part of: ")
        return ROOT / name if name != self.mark else None

    @property
    def runs(self) -> bool:
        """Whether it is to be run from the page."""
        return self.mark in ("", "continues")


def snippets(*languages: str) -> list[Snippet]:
    """Those of all pages in the languages, or in any; one that continues has the earlier code."""
    found = [snippet for page in PAGES for snippet in _of(page)]
    return [snippet for snippet in found if not languages or snippet.language in languages]


def _of(page: Path) -> Iterator[Snippet]:
    text = page.read_text()
    before: dict[str, str] = {}
    for fence in FENCE.finditer(text):
        language, code, mark = fence["language"], fence["code"], fence["mark"] or ""
        line = text.count("\n", 0, fence.start("language")) + 1
        if mark == "continues":
            code = before[language] + code
        if mark in ("", "continues"):
            before[language] = code
        yield Snippet(page, line, language, code, mark)


def anchors(page: Path) -> set[str]:
    """What may stand behind `#` in a link to the page, as code hosts and the site make it."""
    text = FENCE.sub("", page.read_text())
    return {_slug(heading) for heading in HEADING.findall(text)}


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
