"""`modegate usage` in a separate process: of a running gateway, and of a state folder."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import Done, run
from support.serving import COLD, Serving, bare_environment, measured, serving

from modegate.adapters.sqlite.usage_ledger import SqliteUsageLedger
from modegate.dialects.usage.rows import line_of
from modegate.entrypoints.cli.commands.usage_transfer import run_export, run_import
from modegate.entrypoints.config.settings import Settings
from modegate.testing.contracts.usage_ledger import FULL, NOON_MS, row_at

ADMIN_KEY = "sk-admin-0123456789"
ROWS = [FULL, *(row_at(NOON_MS + 5, number, key="env-2") for number in range(3))]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway with a simulated model that has answered one request."""
    folder = tmp_path_factory.mktemp("offline")
    settings = bare_environment(folder) | {"ADMIN_KEY": ADMIN_KEY, **COLD}
    with serving("--offline", folder=folder, environment=settings) as running:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        assert running.ask("/v1/chat/completions", body)
        yield running


def usage(*arguments: str, asked: Serving) -> Done:
    port = asked.address.partition(":")[2]
    return run("usage", *arguments, host={**asked.environment, **measured(), "PORT": port})


def test_a_table_or_json_is_printed(asked: Serving) -> None:
    table = usage(asked=asked)
    assert (table.returncode, table.stderr) == (0, "")
    head, row = (line.split() for line in table.stdout.splitlines())
    assert head[:3] == ["model", "requests", "errors"]
    assert row[:3] == ["gpt-4o", "1", "0"]
    found = json.loads(
        usage(
            "--by", "key,mode", "--since", "7d", "--key", "anonymous", "--json", asked=asked
        ).stdout
    )
    assert found["group_by"] == ["key", "mode"]
    assert [(it["key"], it["requests"]) for it in found["data"]] == [("anonymous", 1)]
    assert found["to"] - found["from"] < 7 * 86_400 + 60


def test_wrong_options_are_a_failure_in_one_line(asked: Serving) -> None:
    done = usage("--by", "colour", asked=asked)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("modegate: 'group_by' must be one or several of key, model")
    assert done.stderr.count("\n") == 1
    done = usage("--key", "", asked=asked)
    told = "modegate: --by, --since and --key must not be empty\n"
    assert (done.returncode, done.stderr) == (2, told)


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """Settings with a state folder that has some rows."""
    ledger = SqliteUsageLedger(tmp_path / "state")
    await ledger.put(ROWS)
    await ledger.aclose()
    return Settings(modegate_state_dir=tmp_path / "state")


def elsewhere(settings: Settings) -> Settings:
    """Returns settings with another state folder, which is empty."""
    return Settings(modegate_state_dir=settings.modegate_state_dir.with_name("other"))


async def exported(settings: Settings, folder: Path) -> bytes:
    """Returns the lines of an export."""
    file = folder / "all.jsonl"
    assert await run_export(settings, str(file)) == 0
    return file.read_bytes()


async def test_what_was_exported_is_imported_elsewhere_once(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = await exported(settings, tmp_path)
    assert lines.count(b"\n") == len(ROWS)
    other = elsewhere(settings)
    for new in (4, 0):
        assert await run_import(other, str(tmp_path / "all.jsonl")) == 0
        told = f"{new} of 4 requests imported, the others were there\n"
        assert capsys.readouterr() == (told, "")
    assert await exported(other, tmp_path) == lines


def test_standard_output_and_input_are_files_too(tmp_path: Path) -> None:
    host = bare_environment(tmp_path)
    done = run("usage", "import", "-", host=host, stdin=b"".join(map(line_of, ROWS)))
    assert (done.returncode, done.stderr) == (0, "")
    done = run("usage", "export", "-", host=host)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.encode() == b"".join(map(line_of, ROWS))


async def test_a_damaged_line_is_named_and_nothing_is_imported(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (await exported(settings, tmp_path)).splitlines(keepends=True)
    file = tmp_path / "damaged.jsonl"
    file.write_bytes(b"".join([*lines[:2], lines[2][:50], b"\n", lines[3]]))
    other = elsewhere(settings)
    assert await run_import(other, str(file)) == 1
    told = "modegate: nothing was imported: line 3: it is not JSON\n"
    assert capsys.readouterr() == ("", told)
    assert await exported(other, tmp_path) == b""


async def test_a_file_that_cannot_be_used_is_a_failure_in_one_line(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for go, what in ((run_export, "written"), (run_import, "read")):
        assert await go(settings, "none/there.jsonl") == 1
        told = f"modegate: none/there.jsonl cannot be {what}: No such file or directory\n"
        assert capsys.readouterr() == ("", told)
    spoiled = elsewhere(settings)
    spoiled.modegate_state_dir.mkdir()
    (spoiled.modegate_state_dir / "usage.db").write_bytes(b"not a database" * 100)
    assert await run_export(spoiled, str(tmp_path / "new")) == 1
    _, told = capsys.readouterr()
    assert told.startswith("modegate: ")
    assert told.count("\n") == 1
    assert not (tmp_path / "new").exists()
