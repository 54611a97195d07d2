"""The list of a transcript's batches: which conversation it holds up to a checksum."""

import json
from pathlib import Path
from typing import Any

import pytest
from claude_agent_sdk._internal.session_store import project_key_for_directory
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.archive.turn_log import NOTHING, Batch, conversation
from modegate.adapters.claude_cli.archive.version import Version
from modegate.adapters.claude_cli.session_folder.moved_transcript import project_of
from modegate.dialects.transcripts import decode_entries, encode_entries

ONE = Batch.after(NOTHING, 1, [{"type": "user", "text": "1"}, {"type": "assistant"}])
TWO = Batch.after(ONE.checksum, 2, [{"type": "user", "text": "2"}])
OTHER = Batch.after(ONE.checksum, 2, [{"type": "user", "text": "other"}])
THREE = Batch.after(TWO.checksum, 3, [{"type": "user", "text": "3"}])


def listed(*batches: Batch) -> list[dict[str, Any]]:
    return [line for batch in batches for line in batch.lines()]


def said(lines: list[dict[str, Any]], checksum: str) -> list[Any] | None:
    found = conversation(lines, checksum)
    return None if found is None else [it["text"] for batch in found for it in batch.entries[:1]]


def test_a_conversation_is_that_up_to_its_checksum() -> None:
    lines = listed(ONE, TWO, THREE)
    assert said(lines, THREE.checksum) == ["1", "2", "3"]
    assert said(lines, TWO.checksum) == ["1", "2"]
    assert said(lines, NOTHING) == []


@pytest.mark.parametrize(
    "batches",
    [
        (ONE, OTHER, TWO, THREE),
        (THREE, TWO, OTHER, ONE),
        (ONE, TWO, TWO, OTHER, THREE, ONE),
    ],
)
def test_turns_that_were_not_acknowledged_and_repeated_ones_are_left_out(
    batches: tuple[Batch, ...],
) -> None:
    assert said(listed(*batches), THREE.checksum) == ["1", "2", "3"]
    assert said(listed(*batches), OTHER.checksum) == ["1", "other"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda lines: lines[1:],
        lambda lines: lines[:-1],
        lambda lines: [*lines, {"type": "user"}],
        lambda lines: [{**it, "text": "x"} if it.get("text") == "1" else it for it in lines],
        lambda lines: [{**it, "previous": 1} for it in lines],
        lambda lines: lines[:0],
    ],
)
def test_a_conversation_that_is_not_complete_is_none_at_all(damage: Any) -> None:
    assert said(damage(listed(ONE, TWO)), TWO.checksum) is None


def test_a_copy_that_was_cut_does_not_hide_the_complete_one() -> None:
    assert said([*listed(ONE)[:-1], *listed(ONE, TWO)], TWO.checksum) == ["1", "2"]


def test_the_order_of_an_entrys_keys_does_not_count() -> None:
    lines = [dict(reversed(it.items())) for it in listed(ONE, TWO)]
    assert said(lines, TWO.checksum) == ["1", "2"]


def test_a_version_is_read_as_it_was_written() -> None:
    assert Version.parse(str(Version("ab", "cd"))) == Version("ab", "cd")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=9,
)


@given(st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=4))
def test_entries_are_stored_without_a_change(entries: list[dict[str, Any]]) -> None:
    assert decode_entries(encode_entries(entries)) == entries
    batch = Batch.after(NOTHING, 1, entries)
    lines = json.loads(json.dumps(batch.lines()))
    if not any(it.get("type") == lines[0]["type"] for it in entries):
        assert conversation(lines, batch.checksum) == [batch]


# The SDK composes names, and takes each character of them for one; the CLI does neither.
PLAIN = st.characters(max_codepoint=0x2FF, exclude_characters="/\0")


@given(st.lists(st.text(PLAIN, min_size=1), max_size=4))
def test_a_transcript_is_put_where_the_cli_looks_for_it(names: list[str]) -> None:
    folder = Path("/nowhere-at-all", *names)
    try:
        expected = project_key_for_directory(str(folder))
    except (OSError, ValueError, UnicodeError):
        return
    assert project_of(folder) == expected


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("a\U00010000b", "a--b"),
        ("e\u0301x", "e-x"),
    ],
)
def test_a_folder_is_named_as_by_the_cli(name: str, project: str) -> None:
    # Seen on 2.1.329.
    folder = Path("/nowhere-at-all", name)
    assert project_of(folder) == f"-nowhere-at-all-{project}"
