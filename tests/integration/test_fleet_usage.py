"""Two gateways with one usage ledger in PostgreSQL, as processes."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.postgres import postgres_server
from support.serving import COLD, MODEGATE, Serving, bare_environment, serving, wait

HIDDEN = "hidden-secret"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Serving]]:
    with ExitStack() as stack:
        server = stack.enter_context(postgres_server())
        url = server.url.replace("modegate@", f"modegate:{HIDDEN}@")
        gateways = []
        for name in "ab":
            folder = tmp_path_factory.mktemp(name)
            environment = bare_environment(folder) | COLD | {"MODEGATE_LEDGER": url}
            environment |= {"ADMIN_KEY": "an-admin-key-of-this-test", "LOG_LEVEL": "info"}
            gateways.append(
                stack.enter_context(
                    serving(
                        *(["--offline", "--workers", "2"] if name == "b" else ["--offline"]),
                        folder=folder,
                        environment=environment,
                    )
                )
            )
        yield gateways


def operate(gateway: Serving, *arguments: str) -> str:
    port = gateway.address.rpartition(":")[2]
    return subprocess.run(
        [*MODEGATE, *arguments],
        env={**gateway.environment, "PORT": port},
        cwd=gateway.folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_gateways_and_commands_see_the_usage_of_the_fleet(fleet: list[Serving]) -> None:
    admin = {"Authorization": "Bearer an-admin-key-of-this-test"}
    for gateway in fleet:
        for _ in range(3):
            answer = gateway.ask("/v1/chat/completions", BODY)
            assert answer is not None
            assert "choices" in answer

    def requests(gateway: Serving) -> object:
        found = gateway.ask("/admin/usage?group_by=model", **admin)
        assert found is not None
        assert isinstance(found["data"], list)
        return [(it["model"], it["requests"]) for it in found["data"]]

    for gateway in fleet:
        wait(lambda gateway=gateway: requests(gateway) == [("gpt-4o", 6)])  # type: ignore[misc]
        listed = gateway.ask("/admin/requests?limit=4", **admin)
        assert listed is not None
        assert len(list(map(dict, listed["data"]))) == 4  # type: ignore[call-overload]
        health = gateway.ask("/health")
        assert health is not None
        assert health["checks"]["ledger"] == "ok"  # type: ignore[index]
    shown = json.loads(operate(fleet[1], "usage", "--by", "model", "--json"))
    assert shown["data"][0]["requests"] == 6
    lines = operate(fleet[0], "usage", "export", "-")
    assert len(lines.splitlines()) == 6
    path = fleet[0].folder / "lines"
    path.write_text(lines)
    assert "0 of 6 requests imported" in operate(fleet[1], "usage", "import", str(path))
    shown_settings = operate(fleet[0], "config", "show")
    assert "modegate_ledger" in shown_settings
    assert HIDDEN not in shown_settings


def test_a_ledger_that_can_never_be_opened_is_refused_at_the_start(tmp_path: Path) -> None:
    blocked = tmp_path / "psycopg"
    blocked.mkdir()
    (blocked / "__init__.py").write_text("raise ImportError('blocked')")
    url = f"postgresql://modegate:{HIDDEN}@127.0.0.1:1/usage"
    environment = bare_environment(tmp_path) | {"MODEGATE_LEDGER": url}
    for command in (["serve", "--offline"], ["usage", "export", "-"]):
        missing = fail(command, environment | {"PYTHONPATH": str(tmp_path)})
        assert 'pip install "modegate[postgres]"' in missing
        unknown = fail(command, environment | {"MODEGATE_LEDGER": f"{url}?no_such_part=1"})
        assert "a part that PostgreSQL does not know" in unknown
        assert HIDDEN not in unknown


def fail(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(
        [*MODEGATE, *command],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode in {1, 2}
    return done.stderr
