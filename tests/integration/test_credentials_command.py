"""`modegate credentials` in a separate process, against a running gateway."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import Done, run
from support.serving import COLD, Serving, bare_environment, free_port, measured, serving

ADMIN_KEY = "sk-admin-0123456789"


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway with a simulated model and the credentials `claude` and `env`."""
    folder = tmp_path_factory.mktemp("offline")
    settings = bare_environment(folder) | {"ADMIN_KEY": ADMIN_KEY, **COLD}
    with serving("--offline", folder=folder, environment=settings) as running:
        yield running


def command(*arguments: str, offline: Serving, **variables: str) -> Done:
    port = offline.address.partition(":")[2]
    host = {**offline.environment, **measured(), "PORT": port, **variables}
    return run("credentials", *arguments, host=host)


def test_list_prints_a_table_or_json(offline: Serving) -> None:
    table = command("list", offline=offline)
    assert (table.returncode, table.stderr) == (0, "")
    head, *rows = table.stdout.splitlines()
    assert head.split()[:4] == ["id", "upstream", "key", "state"]
    assert [row.split()[0] for row in rows] == ["claude", "env"]
    listed = json.loads(command("list", "--json", offline=offline).stdout)
    assert [it["id"] for it in listed] == ["claude", "env"]


def test_a_credential_is_disabled_probed_and_enabled(offline: Serving) -> None:
    disabled = command("disable", "env", offline=offline)
    assert "disabled by an operator" in disabled.stdout
    answer = offline.ask("/v1/chat/completions", {"model": "m", "messages": []})
    assert answer is not None
    assert "no_credentials_available" in json.dumps(answer)
    probed = json.loads(command("probe", "env", "--json", offline=offline).stdout)
    assert (probed["state"], probed["failures"]) == ("disabled", 0)
    assert probed["last_ok_at"] is not None
    enabled = json.loads(command("enable", "env", "--json", offline=offline).stdout)
    assert enabled["state"] == "ready"


def test_claude_is_probed_with_a_turn(offline: Serving) -> None:
    probed = json.loads(command("probe", "claude", "--json", offline=offline).stdout)
    assert (probed["state"], probed["requests"], probed["failures"]) == ("ready", 1, 0)
    assert offline.ask("/v1/sessions") == {"object": "list", "data": []}


def test_the_address_is_an_option(offline: Serving) -> None:
    done = command("list", "--url", f"{offline.url}/v1", offline=offline, PORT="1")
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_id_is_a_failure_in_one_line(offline: Serving) -> None:
    done = command("disable", "a b?", offline=offline)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("modegate: There is no such credential")


def test_a_wrong_key_is_a_failure_in_one_line(offline: Serving) -> None:
    done = command("list", offline=offline, ADMIN_KEY="sk-wrong")
    assert done.returncode == 1
    assert done.stderr == "modegate: the gateway rejected the key: set ADMIN_KEY to the gateway's\n"


@pytest.mark.parametrize("arguments", [(), ("--url", "http://127.0.0.1:3456")])
def test_a_missing_key_is_a_usage_error(offline: Serving, arguments: tuple[str, ...]) -> None:
    done = command("list", *arguments, offline=offline, ADMIN_KEY="")
    assert (done.returncode, done.stderr) == (
        2,
        "modegate: no key: set ADMIN_KEY to that of the gateway\n",
    )


def test_a_gateway_that_does_not_run_is_a_failure_in_one_line(offline: Serving) -> None:
    done = command("list", offline=offline, PORT=str(free_port()))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is the gateway running there?" in done.stderr


def test_a_gateway_without_an_admin_key_says_so(tmp_path: Path) -> None:
    with serving("--offline", folder=tmp_path) as running:
        done = command("list", offline=running, ADMIN_KEY=ADMIN_KEY)
    assert done.returncode == 1
    assert "has no admin API: start it with ADMIN_KEY" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("forget",), ("enable",), ("list", "x")])
def test_wrong_usage_is_one_line(offline: Serving, arguments: tuple[str, ...]) -> None:
    done = command(*arguments, offline=offline)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
