"""Changes members of a JSON object and keeps all other bytes as they came."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from json.decoder import scanstring  # type: ignore[attr-defined]

from modegate.dialects.json import BOM
from modegate.lazy_dataclass import dataclass

BLANKS = re.compile(r"[ \t\n\r]*")
# Numbers are only skipped, so they are not converted.
DECODER = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)


@dataclass(frozen=True, slots=True)
class Member:
    """The text of a member between two commas, and where its value begins and ends in it."""

    name: str
    text: str
    value_start: int
    value_end: int

    def with_value(self, value: str) -> str:
        """Returns the member's text with another value."""
        return f"{self.text[: self.value_start]}{value}{self.text[self.value_end :]}"


def change_members(body: bytes, changes: Mapping[str, bytes | None]) -> bytes:
    """Returns the object with the values of some members replaced, or removed if None.

    `body` is a valid JSON object, and the values are JSON. A member that occurs several times is
    changed each time. Names that the object lacks are ignored.
    """
    text = body.removeprefix(BOM).decode("utf-8")
    opening = text.index("{") + 1
    members = list(_members_of(text, opening))
    end = opening + sum(len(it.text) for it in members) + max(len(members) - 1, 0)
    kept = [_changed(it, changes) for it in members]
    middle = ",".join(it for it in kept if it is not None)
    return f"{text[:opening]}{middle}{text[end:]}".encode()


def sizes_of(body: bytes, names: Collection[str]) -> dict[str, int]:
    """Returns the sizes in bytes of the values of some members, as they came.

    `body` is a valid JSON object. A member that occurs several times has the sum.
    """
    text = body.removeprefix(BOM).decode("utf-8")
    sizes: dict[str, int] = {}
    for member in _members_of(text, text.index("{") + 1):
        if member.name in names:
            value = member.text[member.value_start : member.value_end]
            sizes[member.name] = sizes.get(member.name, 0) + len(value.encode())
    return sizes


def _changed(member: Member, changes: Mapping[str, bytes | None]) -> str | None:
    if member.name not in changes:
        return member.text
    value = changes[member.name]
    return None if value is None else member.with_value(value.decode())


def _members_of(text: str, opening: int) -> Iterator[Member]:
    """Yields the members of the object whose first byte after the bracket is at `opening`."""
    start = opening
    while text[_after_blanks(text, start)] == '"':
        name, key_end = scanstring(text, _after_blanks(text, start) + 1, False)  # noqa: FBT003
        value_start = _after_blanks(text, _after_blanks(text, key_end) + 1)
        value_end = DECODER.raw_decode(text, value_start)[1]
        end = _after_blanks(text, value_end)
        yield Member(name, text[start:end], value_start - start, value_end - start)
        if text[end] == "}":
            return
        start = end + 1


def _after_blanks(text: str, at: int) -> int:
    return BLANKS.match(text, at).end()  # type: ignore[union-attr]
