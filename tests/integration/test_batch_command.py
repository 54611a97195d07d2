"""`modegate batch run`: with the simulated models, with kills, and with a full disk."""

import asyncio
import json
import os
import random
import resource
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.commands import run, started
from support.serving import MODEGATE, bare_environment, measured, wait
from support.waiting import until

from modegate.adapters.sqlite.usage_ledger import SqliteUsageLedger
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.batches.errors import OutputError
from modegate.entrypoints.cli.batches.result_file import ResultFile
from modegate.entrypoints.cli.commands.batch import BatchOptions, run_batch
from modegate.entrypoints.config.settings import Settings
from modegate.simulator.api import Fails
from modegate.simulator.provider import SimulatedProvider

REQUESTS, RESULTS = "requests.jsonl", "results.jsonl"


def request_line(number: int, **changed: object) -> str:
    content = f"Request {number}"
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": content}]}
    url = "/v1/chat/completions"
    line = {"custom_id": f"r-{number}", "method": "POST", "url": url, "body": body}
    return json.dumps(line | changed)


def write_requests(folder: Path, lines: Iterable[str]) -> Path:
    path = folder / REQUESTS
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def results_in(path: Path) -> dict[str, Any]:
    """Returns the responses by id; every line is whole, and no id has two."""
    content = path.read_bytes()
    assert content.endswith(b"\n") or not content
    lines = [json.loads(line) for line in content.splitlines()]
    assert max(Counter(line["custom_id"] for line in lines).values(), default=1) == 1
    return {line["custom_id"]: line["response"] for line in lines}


def said(responses: dict[str, Any]) -> dict[str, str]:
    return {
        custom_id: it["body"]["choices"][0]["message"]["content"]
        for custom_id, it in responses.items()
    }


def expected(numbers: Iterable[int]) -> dict[str, str]:
    label = "[simulated] No model was asked. You said:"
    return {f"r-{number}": f"{label} “Request {number}”" for number in numbers}


@pytest.fixture
async def provider() -> AsyncIterator[SimulatedProvider]:
    provider = SimulatedProvider()
    async with provider.running():
        yield provider


@pytest.fixture
def settings(provider: SimulatedProvider, tmp_path: Path) -> Settings:
    return Settings(
        modegate_state_dir=tmp_path / "state",
        openai_api_key=SecretStr("sk-openai"),
        openai_base_url=f"{provider.url}/v1",
        upstream_max_retries=0,
    )


@pytest.fixture
def options(tmp_path: Path) -> BatchOptions:
    return BatchOptions(
        requests=str(tmp_path / REQUESTS),
        output=tmp_path / RESULTS,
        mode=Mode.PASSTHROUGH,
        concurrency=8,
        retries=0,
        retry_failed=False,
        strict=False,
        offline=False,
        ray=None,
    )


async def test_a_batch_has_a_result_and_a_ledger_row_for_each_request(
    options: BatchOptions, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_requests(options.output.parent, map(request_line, range(40)))
    assert await run_batch(options, settings) == 0
    assert said(results_in(options.output)) == expected(range(40))
    told = capsys.readouterr().err
    assert "40 answered and 0 failed" in told
    assert "tokens, $0." in told
    ledger = SqliteUsageLedger(settings.modegate_state_dir)
    rows = await ledger.page(0, 100)
    await ledger.aclose()
    ids = {response["request_id"] for response in results_in(options.output).values()}
    assert {row.request_id for row in rows} == ids
    assert {row.endpoint for row in rows} == {"/v1/chat/completions"}


@pytest.mark.parametrize("mode", Mode)
async def test_each_dialect_is_answered_in_both_modes(options: BatchOptions, mode: Mode) -> None:
    model = "sonnet" if mode is Mode.CLAUDE_CODE else "gpt-4o"
    messages = [{"role": "user", "content": "Hi"}]
    bodies: dict[str, dict[str, object]] = {
        "chat/completions": {"messages": messages},
        "messages": {"messages": messages, "max_tokens": 100},
        "responses": {"input": "Hi"},
    }
    lines = [
        request_line(1, custom_id=name, url=f"/v1/{name}", body={"model": model, **body})
        for name, body in bodies.items()
    ]
    wrong = request_line(1, custom_id="wrong", url="/v1/messages", body={"model": model})
    write_requests(options.output.parent, [*lines, wrong])
    offline = replace(options, mode=mode, offline=True, concurrency=1)
    assert await run_batch(offline, Settings()) == 1
    found = {custom_id: it["body"] for custom_id, it in results_in(options.output).items()}
    kinds = {name: found[name].get("object", found[name].get("type")) for name in bodies}
    assert kinds == dict(zip(bodies, ("chat.completion", "message", "response"), strict=True))
    assert all("You said: “Hi”" in json.dumps(found[name], ensure_ascii=False) for name in bodies)
    assert (found["wrong"]["type"], found["wrong"]["error"]["type"]) == (
        "error",
        "invalid_request_error",
    )


async def test_a_second_run_asks_nothing_again(
    options: BatchOptions, settings: Settings, provider: SimulatedProvider
) -> None:
    write_requests(options.output.parent, map(request_line, range(10)))
    assert await run_batch(options, settings) == 0
    before = options.output.read_bytes()
    assert await run_batch(options, settings) == 0
    assert options.output.read_bytes() == before
    write_requests(options.output.parent, map(request_line, range(12)))
    assert await run_batch(options, settings) == 0
    assert len(provider.requests) == 12
    assert said(results_in(options.output)) == expected(range(12))


async def test_lines_that_are_no_requests_are_reported_and_the_rest_is_answered(
    options: BatchOptions, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["nonsense", request_line(1), "", request_line(1), request_line(2, method="GET")]
    write_requests(options.output.parent, lines)
    assert await run_batch(options, settings) == 1
    assert said(results_in(options.output)) == expected([1])
    errors = options.output.with_name(f"{RESULTS}.errors")
    told = [json.loads(line) for line in errors.read_text().splitlines()]
    assert [(it["line"], it["code"]) for it in told] == [
        (1, "invalid_json_line"),
        (4, "duplicate_custom_id"),
        (5, "invalid_method"),
    ]
    assert "3 lines are no requests" in capsys.readouterr().err
    write_requests(options.output.parent, [request_line(1)])
    assert await run_batch(options, settings) == 0
    assert not lines_in(errors)


async def test_a_strict_run_begins_only_if_every_line_is_a_request(
    options: BatchOptions,
    settings: Settings,
    provider: SimulatedProvider,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_requests(options.output.parent, [request_line(1), "nonsense"])
    assert await run_batch(replace(options, strict=True), settings) == 2
    assert "Line 2: " in capsys.readouterr().err
    assert not provider.requests
    assert not lines_in(options.output)


async def test_failed_requests_are_results_and_are_asked_again_if_asked_to(
    options: BatchOptions, settings: Settings, provider: SimulatedProvider
) -> None:
    write_requests(options.output.parent, map(request_line, range(6)))
    provider.script(*[Fails(500)] * 2)
    assert await run_batch(options, settings) == 1
    failed = [key for key, it in results_in(options.output).items() if it["status_code"] == 500]
    assert len(failed) == 2
    assert await run_batch(options, settings) == 1  # as the file still has failures
    assert len(provider.requests) == 6
    assert await run_batch(replace(options, retry_failed=True), settings) == 0
    assert said(results_in(options.output)) == expected(range(6))
    assert len(provider.requests) == 8


async def test_a_failure_that_may_pass_is_retried(
    options: BatchOptions, settings: Settings, provider: SimulatedProvider
) -> None:
    write_requests(options.output.parent, map(request_line, range(3)))
    provider.script(*[Fails(429, headers={"retry-after": "0"})] * 3)
    assert await run_batch(replace(options, retries=5), settings) == 0
    assert said(results_in(options.output)) == expected(range(3))


@pytest.mark.parametrize("content", [b'{"custom_id": "a"}\n', b"notes", b'{"id":"batch_req_1"}\n'])
async def test_a_file_of_other_lines_is_left_as_it_is(
    options: BatchOptions, settings: Settings, content: bytes
) -> None:
    write_requests(options.output.parent, [request_line(1)])
    options.output.write_bytes(content)
    assert await run_batch(options, settings) == 2
    assert options.output.read_bytes() == content


async def test_the_file_of_the_requests_is_no_file_for_results(
    options: BatchOptions, settings: Settings
) -> None:
    path = write_requests(options.output.parent, [request_line(1)])
    assert await run_batch(replace(options, output=path), settings) == 2
    assert path.read_text() == request_line(1) + "\n"


async def test_a_missing_file_is_a_clear_error(
    options: BatchOptions, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await run_batch(options, settings) == 2
    assert f"{options.requests} cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["-", "/dev/null", "folder", "none/file"])
async def test_a_place_that_takes_no_results_is_a_clear_error(
    options: BatchOptions, settings: Settings, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = options.output.parent
    write_requests(folder, [request_line(1)])
    (folder / "folder").mkdir()
    output = Path(name) if name == "-" else folder / name
    assert await run_batch(replace(options, output=output), settings) in (1, 2)
    assert capsys.readouterr().err.startswith("modegate: ")
    assert not (folder / "-").exists()


async def test_a_place_that_takes_no_errors_is_a_clear_error(
    options: BatchOptions, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_requests(options.output.parent, ["{"])
    options.output.with_name(f"{RESULTS}.errors").mkdir()
    assert await run_batch(options, settings) == 1
    assert ".errors cannot be written" in capsys.readouterr().err


async def test_requests_may_come_through_a_pipe(options: BatchOptions, settings: Settings) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as pipe:
        pipe.writelines(f"{request_line(number)}\n" for number in range(3))
    given = replace(options, requests=f"/dev/fd/{read}", strict=True)
    assert await run_batch(given, settings) == 0
    os.close(read)
    assert said(results_in(options.output)) == expected(range(3))


async def test_a_link_to_the_results_is_kept(options: BatchOptions, settings: Settings) -> None:
    write_requests(options.output.parent, [request_line(1), request_line(2, body={"model": "x"})])
    target = options.output.with_name("elsewhere.jsonl")
    options.output.symlink_to(target)
    assert await run_batch(options, settings) == 1
    assert await run_batch(replace(options, retry_failed=True), settings) == 1
    assert options.output.readlink() == target
    assert results_in(target).keys() == {"r-1", "r-2"}


async def test_two_runs_on_one_file_are_refused(
    options: BatchOptions, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    write_requests(options.output.parent, [request_line(1)])
    first = ResultFile(options.output)
    assert await run_batch(options, settings) == 2
    assert "another run writes to" in capsys.readouterr().err
    first.close()
    assert await run_batch(options, settings) == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_interrupt_waits_for_what_runs_and_the_second_cancels_it(
    options: BatchOptions, settings: Settings, provider: SimulatedProvider, sent: signal.Signals
) -> None:
    write_requests(options.output.parent, map(request_line, range(50)))
    release = asyncio.Event()

    async def held(_request: object, reply: Any) -> None:
        await release.wait()
        await reply.whole(500, b"{}", {"content-type": "application/json"})

    provider.script(*[held] * 50)
    running = asyncio.create_task(run_batch(options, settings))
    await until(lambda: provider.under_way == 8)
    os.kill(os.getpid(), sent)
    await asyncio.sleep(0)
    release.set()
    assert await running == 128 + sent
    assert len(results_in(options.output)) == 8

    release.clear()
    running = asyncio.create_task(run_batch(options, settings))
    await until(lambda: provider.under_way == 8)
    os.kill(os.getpid(), sent)
    await asyncio.sleep(0)
    os.kill(os.getpid(), sent)
    assert await running == 128 + sent
    assert len(results_in(options.output)) == 8
    release.set()
    provider.clear()
    await run_batch(replace(options, retry_failed=True), settings)
    assert said(results_in(options.output)) == expected(range(50))


def fill(results: ResultFile) -> None:
    line = b'{"id":"batch_req_1","custom_id":"%b","response":{"status_code":200}}\n'
    for number in range(1000):
        results.append(line % str(number).encode(), str(number), succeeded=True)


def test_a_full_disk_leaves_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / RESULTS
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    results = ResultFile(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(OutputError, match="the same command goes on from there"):
            fill(results)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    results.close()
    found = results_in(path)
    assert 0 < len(found) < 1000
    again = ResultFile(path)
    assert len(again.done) == again.succeeded == len(found)
    again.close()


@pytest.mark.parametrize("cut", [1, 17, 40])
def test_half_a_line_at_the_end_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / RESULTS
    whole = b'{"id":"batch_req_1","custom_id":"a","response":{"status_code":500}}\n'
    path.write_bytes(whole + whole.replace(b'"a"', b'"b"')[:cut])
    results = ResultFile(path)
    assert ("a" in results.done, "b" in results.done, results.failed) == (True, False, 1)
    results.append(whole.replace(b'"a"', b'"b"'), "b", succeeded=False)
    results.close()
    assert results_in(path).keys() == {"a", "b"}


def test_the_command_reads_standard_input(tmp_path: Path) -> None:
    given = "".join(f"{request_line(number)}\n" for number in range(3)).encode()
    done = run(
        *("batch", "run", "-", "-o", RESULTS, "--offline"),
        host=bare_environment(tmp_path) | measured(),
        stdin=given,
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert said(results_in(tmp_path / RESULTS)) == expected(range(3))


def test_a_wrong_option_is_a_clear_error(tmp_path: Path) -> None:
    host = bare_environment(tmp_path)
    done = run("batch", "run", "x", "-o", "y", "--concurrency", "0", host=host)
    assert done.returncode == 2
    assert "argument --concurrency: must be 1 to 10000" in done.stderr


def lines_in(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def has_come_to(lines: int, path: Path, process: subprocess.Popen[Any]) -> bool:
    """Whether a run has written so many lines, or has ended."""
    return lines_in(path) >= lines or process.poll() is not None


def run_with_kills(
    folder: Path,
    total: int,
    kills: int,
    seed: int,
    *more: str,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Kills the command at random points, then lets it come to its end.

    The simulated model answers, or what the `environment` names.
    """
    host = bare_environment(folder) | dict(environment or {})
    write_requests(folder, map(request_line, range(total)))
    chance = random.Random(seed)  # noqa: S311 - the same points each time
    simulated = () if environment else ("--offline",)
    command = ("batch", "run", REQUESTS, "-o", RESULTS, *simulated, *more)
    points = sorted(chance.randrange(total - 20) for _ in range(kills))
    for point in points:
        with started(*command, host=host) as process:
            reached = max(point, lines_in(folder / RESULTS) + 1)
            ended = partial(has_come_to, reached, folder / RESULTS, process)
            wait(ended, seconds=90)
            process.kill()
    done = run(*command, host=host)
    assert done.returncode == 0, done.stderr


def test_a_killed_batch_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run_with_kills(tmp_path, 200, 2, 1)
    assert said(results_in(tmp_path / RESULTS)) == expected(range(200))


@pytest.mark.parametrize(
    ("total", "kills"), [(100, 2), pytest.param(2000, 10, marks=pytest.mark.exhaustive)]
)
@pytest.mark.timeout(600)
async def test_each_result_of_a_killed_batch_has_its_row_in_the_ledger(
    total: int, kills: int, provider: SimulatedProvider, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    environment = {
        "OPENAI_BASE_URL": f"{provider.url}/v1",
        "OPENAI_API_KEY": "sk-openai",
        "MODEGATE_STATE_DIR": str(state),
    }
    await asyncio.to_thread(run_with_kills, tmp_path, total, kills, 3, environment=environment)
    ledger = SqliteUsageLedger(state)
    rows = [row.request_id for row in await ledger.page(0, 10 * total)]
    await ledger.aclose()
    results = [it["request_id"] for it in results_in(tmp_path / RESULTS).values()]
    assert len(results) == total
    assert not {*results} - {*rows}
    assert len({*rows}) == len(rows)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("total", "seed"), [(300, 7), (300, 8), (5000, 9)])
def test_a_batch_killed_ten_times_equals_one_without_kills(
    tmp_path: Path, total: int, seed: int
) -> None:
    run_with_kills(tmp_path, total, 10, seed, "--concurrency", "16")
    assert said(results_in(tmp_path / RESULTS)) == expected(range(total))


def test_ctrl_c_ends_the_command_with_status_130(tmp_path: Path) -> None:
    host = bare_environment(tmp_path)
    write_requests(tmp_path, map(request_line, range(20_000)))
    with started("batch", "run", REQUESTS, "-o", RESULTS, "--offline", host=host) as process:
        wait(lambda: lines_in(tmp_path / RESULTS))
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130, told
    assert b"stopping" in told
    assert 0 < len(results_in(tmp_path / RESULTS)) < 20_000


def test_the_real_cli_answers_a_batch(tmp_path: Path) -> None:
    host = bare_environment(tmp_path) | measured() | {"CLAUDE_WARM_PROCESSES": "0"}
    body = {"model": "haiku", "messages": [{"role": "user", "content": "Hi"}]}
    write_requests(tmp_path, (request_line(number, body=body) for number in range(3)))
    command: Sequence[str] = (*("batch", "run", REQUESTS, "-o", RESULTS), "--offline")
    done = subprocess.run(
        [*MODEGATE, *command, "--mode", "claude-code", "--concurrency", "2"],
        env=host,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert set(said(results_in(tmp_path / RESULTS)).values()) == {
        "[simulated] No model was asked. You said: “Hi”"
    }
