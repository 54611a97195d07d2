"""`modegate keys` in a separate process, against a running gateway."""

import json
from collections.abc import Iterator

import pytest
from support.commands import Done, run
from support.serving import COLD, Serving, bare_environment, measured, serving

ADMIN_KEY = "sk-admin-0123456789"


@pytest.fixture(scope="module")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A gateway with a simulated model and a key of the environment."""
    folder = tmp_path_factory.mktemp("offline")
    keys = {"ADMIN_KEY": ADMIN_KEY, "API_KEY": "sk-plain-0123456789"}
    environment = bare_environment(folder) | keys | COLD
    with serving("--offline", folder=folder, environment=environment) as running:
        yield running


def command(*arguments: str, offline: Serving, **variables: str) -> Done:
    port = offline.address.partition(":")[2]
    host = {**offline.environment, **measured(), "PORT": port, **variables}
    return run("keys", *arguments, host=host)


def test_a_key_is_created_listed_rotated_and_revoked(offline: Serving) -> None:
    rules = (
        "--model",
        "sonnet",
        "--model",
        "gpt-4o*",
        "--mode",
        "openai-passthrough",
        "--rpm",
        "5",
    )
    budget = (
        "--budget-usd",
        "2.5",
        "--budget-period",
        "day",
        "--concurrency",
        "3",
        "--tpm",
        "9000",
    )
    end = ("--expires-at", "2099-01-31T00:00:00Z")
    made = command("create", "team a", *rules, *budget, *end, offline=offline)
    assert made.returncode == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("sk-mg-")
    assert secret not in made.stderr

    listed = json.loads(command("list", "--json", offline=offline).stdout)
    key = next(it for it in listed if it["source"] == "admin")
    assert key["id"] in made.stderr
    assert (key["name"], key["models"]) == ("team a", ["sonnet", "gpt-4o*"])
    assert (key["rpm"], key["tpm"], key["concurrency"]) == (5, 9000, 3)
    assert key["budget"] == {"usd": 2.5, "tokens": None, "period": "day"}

    def ask(secret: str) -> object:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
        answer = offline.ask("/v1/chat/completions", body, Authorization=f"Bearer {secret}")
        return (answer or {}).get("error") or "answered"

    assert ask(secret) == "answered"
    rotated = command("rotate", key["id"], "--grace", "0", offline=offline)
    assert "invalid_api_key" in json.dumps(ask(secret))
    assert ask(rotated.stdout.strip()) == "answered"
    table = command("list", offline=offline).stdout
    assert [it.split()[0] for it in table.splitlines()] == ["id", "env-1", key["id"]]
    assert "2099-01-31 00:00:00Z" in table
    revoked = command("revoke", key["id"], offline=offline)
    assert (revoked.returncode, "revoked" in revoked.stdout) == (0, True)
    assert "revoked" in json.dumps(ask(rotated.stdout.strip()))


def test_a_refusal_is_one_line(offline: Serving) -> None:
    for arguments, words in (
        (("create", "a", "--rpm", "0"), "'rpm' must be a whole number"),
        (("revoke", "key_x"), "There is no such key"),
        (("revoke", "env-1"), "change API_KEY, API_KEYS"),
    ):
        done = command(*arguments, offline=offline)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert done.stderr.count("\n") == 1


def test_json_has_the_secret_once(offline: Serving) -> None:
    made = json.loads(command("create", "b", "--json", offline=offline).stdout)
    assert made["secret"].startswith("sk-mg-")
    assert made["secret"] not in command("list", "--json", offline=offline).stdout


def test_wrong_usage_is_reported_before_a_request(offline: Serving) -> None:
    for arguments in (("create",), ("create", "a", "--mode", "x"), ("rotate", "a", "--grace", "x")):
        assert command(*arguments, offline=offline).returncode == 2
    keyless = {name: it for name, it in offline.environment.items() if name != "ADMIN_KEY"}
    assert run("keys", "list", host=keyless).returncode == 2
