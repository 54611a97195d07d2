"""The fenced snippets of the documentation and how each is run.

A comment right before the fence defines how a snippet is run; without one it runs alone:

    <!-- continues -->          runs after the previous snippet of its language on the page
    <!-- part of: FILE -->      is an excerpt of the file, which a separate test runs
    <!-- not run: REASON -->    cannot be run here
    <!-- printed -->            the output of the previous snippet; `…` matches anything
"""

import re
from dataclasses import dataclass, replace
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
RUN = ("", "continues")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced block; `mark` is the comment before it."""

    page: Path
    line: int
    language: str
    code: str
    mark: str
    printed: str = ""
    continued: bool = False

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def part_of(self) -> Path | None:
        """The file that contains the snippet, if any."""
        name = self.mark.removeprefix("part of: ")
        return ROOT / name if name != self.mark else None

    @property
    def runs(self) -> bool:
        """Whether to run it from the page; False if a later snippet continues and so runs it."""
        return self.mark in RUN and not self.continued


def snippets(*languages: str) -> list[Snippet]:
    """Returns the snippets of all pages, optionally only those in `languages`."""
    found = [snippet for page in PAGES for snippet in _of(page)]
    return [snippet for snippet in found if not languages or snippet.language in languages]


def _of(page: Path) -> list[Snippet]:
    text = page.read_text()
    found: list[Snippet] = []
    last: dict[str, int] = {}
    for fence in FENCE.finditer(text):
        language, code, mark = fence["language"], fence["code"], fence["mark"] or ""
        if mark == "printed":
            found[-1] = replace(found[-1], printed=code)
        if mark == "continues":
            before = found[last[language]]
            found[last[language]] = replace(before, continued=True)
            code = before.code + code
        if mark in RUN:
            last[language] = len(found)
        line = text.count("\n", 0, fence.start("language")) + 1
        found.append(Snippet(page, line, language, code, mark))
    return found


def anchors(page: Path) -> set[str]:
    """Returns the heading anchors of the page, as code hosts and the site generate them."""
    text = FENCE.sub("", page.read_text())
    return {_slug(heading) for heading in HEADING.findall(text)}


def _slug(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
