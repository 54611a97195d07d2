"""The Claude backend against a scripted executable that shows rare CLI behaviour."""

import asyncio
import json
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from openai import InternalServerError
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.serving import members
from support.waiting import requests_under_way, until

from modegate.adapters.claude_cli.turns import settlement
from modegate.entrypoints.http.server.connection import protocol
from modegate.testing.scripted_claude import SESSION, ScriptedClaude, answer, begin, result, word

DONE = "data: [DONE]"
REASONS, REASONED = (
    {"emit": {"type": "stream_event", "session_id": SESSION, "event": event}}
    for event in (
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking"}},
        {"type": "content_block_stop", "index": 0},
    )
)
HANG = {"hang": 0}
LONG_GRACE_S = 60.0
REFUSED = {
    "type": "assistant",
    "message": {"model": "<synthetic>", "content": [{"type": "text", "text": "API Error: 401"}]},
    "error": "authentication_failed",
}
FAILED_RESULT = {"type": "result", "subtype": "error_during_execution", "is_error": True}
LONG_WAIT = {
    "emit": {
        "type": "system",
        "subtype": "api_retry",
        "attempt": 1,
        "max_retries": 2,
        "retry_delay_ms": 37_001,
        "error_status": 429,
        "error": "rate_limit",
    }
}
OVERLOADED = {"emit": {**LONG_WAIT["emit"], "error_status": 529, "error": "overloaded"}}
Start = Callable[..., AbstractAsyncContextManager[Gateway]]


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *answer("Hello ", "there."))


@pytest.fixture
def start(gateway: GatewayFactory, claude: ScriptedClaude) -> Start:
    def with_settings(**settings: Any) -> AbstractAsyncContextManager[Gateway]:
        return gateway(claude_path=str(claude.path), **settings)

    return with_settings


def pids(claude: ScriptedClaude) -> Iterator[int]:
    return (int(str(start["pid"])) for start in claude.starts)


def alive(claude: ScriptedClaude) -> list[int]:
    """Returns the live pids in the process groups of all started processes."""
    return [pid for group in pids(claude) for pid in members(group)]


def runs(pid: int) -> bool:
    """Whether the process exists and is not a zombie."""
    return bool(members(pid))  # each pid passed here is a group leader


async def free(gateway: Gateway, claude: ScriptedClaude, seconds: float = 30.0) -> None:
    """Waits until no process runs and every slot is free."""
    backend = gateway.container.claude_cli()
    await until(lambda: not alive(claude) and backend.status().capacity.active == 0, seconds)


def use_long_termination_grace(gateway: Gateway) -> None:
    """Sets a grace period for child termination that is longer than a test."""
    options = gateway.container.claude_cli()._options  # noqa: SLF001
    object.__setattr__(options, "grace", LONG_GRACE_S)


def sessions_of(gateway: Gateway) -> list[Path]:
    """Returns the session directories."""
    return list(gateway.container.settings().modegate_state_dir.glob("sessions/*"))


def code_of(response: Any) -> str:
    return str(response.json()["error"]["code"])


async def test_the_cli_gets_the_prompt_on_stdin_and_the_session_environment(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start() as gateway:
        response = await gateway.claude("-- what?", messages=None)
        assert response.status_code == 400
        response = await gateway.claude("-- what?")
        await free(gateway, claude)
    assert response.json()["choices"][0]["message"]["content"] == "Hello there."
    (started,) = claude.starts
    assert "-- what?" in str(started["input"])
    assert "-- what?" not in str(started["arguments"])
    session = response.headers["X-Claude-Session-ID"]
    assert str(started["folder"]).endswith(f"sessions/{session}/work")
    environment = started["environment"]
    assert isinstance(environment, dict)
    assert environment["TERM"] == "dumb"
    assert str(environment["CLAUDE_CONFIG_DIR"]).endswith(f"sessions/{session}/claude")
    assert "OPENAI_API_KEY" not in environment


@pytest.mark.parametrize("path", ["/nonexistent/claude", "/etc/passwd", "/"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_path_that_is_no_executable_is_backend_unavailable(
    path: str, stream: bool, gateway: GatewayFactory
) -> None:
    async with gateway(claude_path=path) as running:
        response = await running.claude(stream=stream)
        health = (await running.http.get("/health")).json()
    assert (response.status_code, code_of(response)) == (503, "backend_unavailable")
    assert path not in response.json()["error"]["message"] or path == "/"
    assert health["checks"]["claude_cli"] == "error"


async def test_an_executable_of_unknown_format_is_backend_unavailable(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.path.write_text("neither a script nor a program")
    async with start() as gateway:
        response = await gateway.claude()
    assert (response.status_code, code_of(response)) == (503, "backend_unavailable")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("steps", "status", "code"),
    [
        ([{"exit": 1}], 500, "internal_error"),
        ([{"exit": 0}], 500, "internal_error"),
        ([{"kill": 9}], 500, "internal_error"),
        ([{"write": "garbage\n{]\n"}, {"exit": 0}], 500, "internal_error"),
        ([{"stderr": "Error: authentication at /x\n"}, {"exit": 1}], 500, "internal_error"),
        ([{"stderr": "Invalid API key\n"}, {"exit": 1}], 401, "backend_auth_failed"),
        ([{"stderr": "Please run /login\n"}, HANG], 401, "backend_auth_failed"),
        ([{"write": "Invalid API key\n"}, {"exit": 1}], 401, "backend_auth_failed"),
        ([{"write": "Please run /login\n"}, HANG], 401, "backend_auth_failed"),
        ([{"emit": REFUSED}, HANG], 401, "backend_auth_failed"),
        ([{"write": '{"type":"result"}'}], 500, "internal_error"),
        ([{"emit": FAILED_RESULT}], 500, "internal_error"),
        ([LONG_WAIT, HANG], 429, "backend_rate_limited"),
        ([OVERLOADED, HANG], 502, "backend_error"),
        ([result("")], 502, "empty_response"),
        ([{"flood": 11_000_000}, HANG], 502, "output_limit_exceeded"),
        ([{"flood_stderr": 1_200_000}, HANG], 502, "output_limit_exceeded"),
        ([HANG], 504, "timeout"),
    ],
)
async def test_a_failure_before_the_first_byte_has_its_error_status(
    steps: list[dict[str, object]],
    status: int,
    code: str,
    stream: bool,
    start: Start,
    claude: ScriptedClaude,
) -> None:
    claude.script(*steps)
    settings = {"request_timeout_ms": 1000} if code == "timeout" else {}
    async with start(**settings) as gateway:
        response = await gateway.claude(stream=stream)
        assert (response.status_code, code_of(response)) == (status, code)
        await free(gateway, claude)
        await until(lambda: not sessions_of(gateway))


@pytest.mark.parametrize(
    "steps",
    [
        [{"exit": 1}],
        [{"exit": 0}],
        [{"kill": 11}],
        [{"flood": 11_000_000}, HANG],
        [HANG],
        [{"emit": {"type": "result", "subtype": "error_during_execution", "is_error": True}}],
        [{"emit": {"type": "system", "subtype": "api_retry", "error_status": 401}}, HANG],
    ],
)
async def test_a_failure_after_the_first_byte_is_an_error_event(
    steps: list[dict[str, object]], start: Start, claude: ScriptedClaude
) -> None:
    claude.script(*begin(), word("Hello"), *steps)
    async with start(claude_silence_timeout_ms=1000) as gateway:
        response = await gateway.claude(stream=True)
        await free(gateway, claude)
    assert response.status_code == 200
    *_, text, error, done, end = response.text.split("\n\n")
    assert '"content":"Hello"' in text
    assert json.loads(error.removeprefix("data: "))["error"]["code"] == "stream_error"
    assert (done, end) == (DONE, "")
    assert '"finish_reason":"' not in response.text


async def test_a_nine_megabyte_output_line_is_accepted(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script({"long_line": 9_000_000}, *answer("Hello"))
    async with start() as gateway:
        response = await gateway.claude()
    assert response.status_code == 200


async def test_stderr_of_a_successful_turn_is_logged_redacted(
    start: Start, claude: ScriptedClaude, caplog: pytest.LogCaptureFixture
) -> None:
    claude.script({"stderr": "warning: /home/me/x sk-ant-test sk-ant-other12345\n"}, *answer("Hi"))
    async with start() as gateway:
        response = await gateway.claude()
        await free(gateway, claude)
    assert response.status_code == 200
    assert "claude wrote to stderr: warning: <path> " in caplog.text
    assert "sk-ant" not in caplog.text


async def test_responses_do_not_wait_for_the_process_to_exit(
    start: Start, claude: ScriptedClaude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settlement, "EXIT_GRACE_S", LONG_GRACE_S)
    claude.script(*answer("Hello"), {"wait_for": str(tmp_path / "may-end")})
    async with start() as gateway:
        for stream in (False, True):
            assert (await gateway.claude(stream=stream)).status_code == 200
        assert len(alive(claude)) == 2
        (tmp_path / "may-end").touch()
        await free(gateway, claude)


async def test_a_finished_process_that_ignores_sigterm_releases_its_slot(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script({"ignore_sigterm": 0}, *answer("Hello"), HANG)
    async with start(max_concurrent_processes=1, pool_queue_timeout_ms=60_000) as gateway:
        for _ in range(2):
            assert (await gateway.claude()).status_code == 200


async def test_a_descendant_that_holds_the_pipes_open_does_not_delay_the_error(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script({"orphan": 60}, {"exit": 1})
    async with start() as gateway, asyncio.timeout(30):
        assert code_of(await gateway.claude()) == "internal_error"
        await free(gateway, claude)


@pytest.mark.parametrize("end", [{"exit": 1}, {"kill": 9}, HANG], ids=["exit", "killed", "left"])
async def test_descendants_outside_the_process_group_are_ended(
    end: dict[str, int], start: Start, claude: ScriptedClaude
) -> None:
    claude.script(*begin(), {"leave_process_group": 60}, end)
    async with start() as gateway:
        asking = asyncio.create_task(gateway.claude())
        await until(lambda: claude.escaped_pids)
        asking.cancel()
        await asyncio.wait({asking})
        await free(gateway, claude)
        await until(lambda: not any(map(runs, claude.escaped_pids)))


async def test_a_process_that_ignores_sigterm_is_killed(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script({"ignore_sigterm": 0}, {"orphan": 60}, HANG)
    async with start(request_timeout_ms=500) as gateway, asyncio.timeout(60):
        response = await gateway.claude()
        assert code_of(response) == "timeout"
        await free(gateway, claude)


@pytest.mark.parametrize("phase", ["before the first token", "in mid-stream", "whole"])
async def test_a_client_disconnect_ends_the_process_group(
    phase: str, start: Start, claude: ScriptedClaude
) -> None:
    claude.script(*(begin() if phase == "in mid-stream" else ()), {"orphan": 60}, HANG)
    async with start() as gateway:
        asking = asyncio.create_task(gateway.claude(stream=phase != "whole"))
        await until(lambda: claude.starts)
        await until(lambda: len(alive(claude)) == 2)
        asking.cancel()
        await asyncio.wait({asking})
        await free(gateway, claude)


async def test_a_client_disconnect_releases_the_session(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start() as gateway:
        session = (await gateway.claude()).headers["X-Claude-Session-ID"]
        resume = {"X-Claude-Session-ID": session}
        claude.script(*begin(), HANG)
        asking = asyncio.create_task(gateway.claude(headers=resume))
        await until(lambda: len(claude.starts) == 2)
        busy = await gateway.claude(headers=resume)
        assert (busy.status_code, code_of(busy)) == (429, "session_busy")
        assert busy.headers["Retry-After"] == "1"
        asking.cancel()
        await asyncio.wait({asking})
        claude.script(*answer("Hello"))

        async def answered() -> bool:
            return (await gateway.claude(headers=resume)).status_code == 200

        async with asyncio.timeout(30):
            while not await answered():
                pass


async def test_a_request_queued_too_long_gets_capacity_exceeded(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script(*begin(), HANG)
    async with start(max_concurrent_processes=1, pool_queue_timeout_ms=300) as gateway:
        backend = gateway.container.claude_cli()
        first = asyncio.create_task(gateway.claude())
        await until(lambda: backend.status().capacity.active == 1)
        full = await gateway.claude(stream=True)
        assert (full.status_code, code_of(full)) == (429, "capacity_exceeded")
        assert full.headers["Retry-After"] == "1"
        await until(lambda: claude.starts)
        first.cancel()
        await free(gateway, claude)
    assert len(claude.starts) == 1


async def test_a_client_disconnect_removes_its_request_from_the_queue(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script(*begin(), HANG)
    async with start(max_concurrent_processes=1, pool_queue_timeout_ms=60_000) as gateway:
        backend = gateway.container.claude_cli()
        first = asyncio.create_task(gateway.claude())
        await until(lambda: backend.status().capacity.active == 1)
        waiting = asyncio.create_task(gateway.claude())
        await until(lambda: backend.status().capacity.queued == 1)
        health = (await gateway.http.get("/health")).json()["checks"]["capacity"]
        assert health == {"active": 1, "queued": 1, "warm": 0, "live": 0, "parked": 0, "max": 1}
        waiting.cancel()
        await until(lambda: backend.status().capacity.queued == 0)
        await until(lambda: claude.starts)
        first.cancel()
        await free(gateway, claude)
    assert len(claude.starts) == 1


async def test_queued_requests_are_served_in_fifo_order(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start(max_concurrent_processes=1, pool_queue_timeout_ms=20_000) as gateway:
        backend = gateway.container.claude_cli()
        asked = []
        for i in range(4):
            asked.append(asyncio.create_task(gateway.claude(f"number {i}")))
            await until(
                lambda: len(claude.starts) + backend.status().capacity.queued > len(asked) - 1
            )
        await asyncio.gather(*asked)
    order = [str(start["input"]).partition("number ")[2][0] for start in claude.starts]
    assert order == ["0", "1", "2", "3"]


async def test_a_session_resumes_with_the_id_that_the_cli_reported(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start() as gateway:
        public = (await gateway.claude()).headers["X-Claude-Session-ID"]
        again = await gateway.claude(headers={"X-Claude-Session-ID": public})
    assert again.headers["X-Claude-Session-ID"] == public
    first, second = (start["arguments"] for start in claude.starts)
    assert isinstance(first, list)
    assert isinstance(second, list)
    assert f"--session-id={public}" in first
    assert f"--resume={SESSION}" in second


async def test_a_conversation_lost_by_the_cli_is_session_not_found(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start() as gateway:
        session = (await gateway.claude()).headers["X-Claude-Session-ID"]
        claude.script({"stderr": f"No conversation found with session ID: {session}"}, {"exit": 1})
        for _ in range(2):
            lost = await gateway.claude(headers={"X-Claude-Session-ID": session}, stream=True)
            assert (lost.status_code, code_of(lost)) == (404, "session_not_found")
    assert len(claude.starts) == 2


async def test_a_silent_stream_sends_keep_alive_comments(
    start: Start, claude: ScriptedClaude, tmp_path: Path
) -> None:
    may_go_on = tmp_path / "may-go-on"
    claude.script(*begin(), {"wait_for": str(may_go_on)}, word("Hello"), result("Hello"))
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    async with (
        start(sse_keepalive_ms=100) as gateway,
        gateway.http.stream("POST", "/v1/chat/completions", json=body, headers=CLAUDE) as response,
    ):
        lines = response.aiter_lines()
        for _ in range(2):
            while await anext(lines) != ": keep-alive":
                pass
        may_go_on.touch()
        assert "data: [DONE]" in [line async for line in lines]
    claude.script(*begin(), {"sleep": 0.5}, word("Hello"), result("Hello"))
    async with start(sse_keepalive_ms=100) as gateway:
        stream = await gateway.sdk.chat.completions.create(
            model="sonnet",
            messages=[{"role": "user", "content": "Hi"}],
            stream=True,
            extra_headers=CLAUDE,
        )
        assert "Hello" in [chunk.choices[0].delta.content async for chunk in stream]


async def test_health_reports_a_rejected_anthropic_key_until_a_turn_succeeds(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script({"stderr": "Please run /login"}, {"exit": 1})
    async with start() as gateway:
        for state in ("ok", "error"):
            health = (await gateway.http.get("/health")).json()
            assert health["checks"]["anthropic_key"] == state
            await gateway.claude()
        claude.script(*answer("Hello"))
        await gateway.claude()
        health = (await gateway.http.get("/health")).json()
        assert health["checks"]["anthropic_key"] == "ok"


async def test_estimated_usage_is_marked_by_a_header(start: Start, claude: ScriptedClaude) -> None:
    end = result("x" * 40)
    assert isinstance(end["emit"], dict)
    end["emit"]["usage"] = {"input_tokens": 3}
    claude.script(*begin(), word("x" * 40), end)
    async with start() as gateway:
        response = await gateway.claude()
    assert response.headers["X-Usage-Estimated"] == "true"
    assert response.json()["usage"]["completion_tokens"] == 10


async def test_a_process_that_ignores_sigterm_does_not_delay_the_timeout_error(
    start: Start, claude: ScriptedClaude, tmp_path: Path
) -> None:
    may_end = {"wait_for": str(tmp_path / "may-end")}
    claude.script({"ignore_sigterm": 0}, *begin(), word("Hello"), may_end, {"exit": 0})
    async with start(claude_silence_timeout_ms=300) as gateway:
        use_long_termination_grace(gateway)
        response = await gateway.claude()
        assert code_of(response) == "timeout"
        assert alive(claude)
        (tmp_path / "may-end").touch()
        await free(gateway, claude)


async def test_a_client_that_reads_nothing_holds_no_process_past_the_timeout(
    start: Start, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LONGEST_STALL", 3.0)
    claude.script(*begin(), *(word("x" * 60_000) for _ in range(150)), HANG)
    async with start(request_timeout_ms=3000) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            body = json.dumps(
                {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
            ).encode()
            client.sendall(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-claude-code: 1\r\n"
                b"content-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
                % (len(body), body)
            )
            await until(lambda: claude.starts)
            await free(gateway, claude)
            await until(lambda: not requests_under_way())


async def test_a_session_is_free_as_soon_as_its_failed_stream_ends(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start() as gateway:
        first = await gateway.claude()
        session = {"X-Claude-Session-ID": first.headers["X-Claude-Session-ID"]}
        for _ in range(3):
            claude.script(*begin(), word("Hello"), {"exit": 1})
            cut = await gateway.claude(headers=session, stream=True)
            assert "stream_error" in cut.text
            claude.script(*answer("Hello"))
            assert (await gateway.claude(headers=session)).status_code == 200


async def test_a_relative_executable_path_works(
    gateway: GatewayFactory, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(claude.path.parent)
    async with gateway(claude_path="./claude") as running:
        assert (await running.claude()).status_code == 200


async def test_an_unusable_state_directory_is_storage_unavailable(
    gateway: GatewayFactory, claude: ScriptedClaude, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    async with gateway(claude_path=str(claude.path)) as running:
        response = await running.claude()
        assert (response.status_code, code_of(response)) == (503, "storage_unavailable")
        assert str(tmp_path) not in response.text
        await until(lambda: running.container.claude_cli().status().capacity.active == 0)


async def test_the_gateway_recovers_from_a_state_directory_deleted_at_run_time(
    start: Start, claude: ScriptedClaude, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with start() as gateway:
        session = {"X-Claude-Session-ID": (await gateway.claude()).headers["X-Claude-Session-ID"]}
        await free(gateway, claude)
        shutil.rmtree(state)
        lost = await gateway.claude(headers=session)
        assert (lost.status_code, code_of(lost)) == (404, "session_not_found")
        shutil.rmtree(state)
        state.write_text("a file in its place")
        for stream in (False, True):
            refused = await gateway.claude(stream=stream)
            assert (refused.status_code, code_of(refused)) == (503, "storage_unavailable")
            assert refused.headers["X-Should-Retry"] == "false"
        state.unlink()
        session = {"X-Claude-Session-ID": (await gateway.claude()).headers["X-Claude-Session-ID"]}
        assert (await gateway.claude(headers=session)).status_code == 200
        await free(gateway, claude)
    assert len(claude.starts) == 3


async def test_a_failed_spawn_leaves_no_session_directory(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.path.write_text("#!/missing/interpreter\n")
    async with start() as gateway:
        assert code_of(await gateway.claude()) == "backend_unavailable"
        assert not sessions_of(gateway)


async def test_a_killed_orphan_guard_does_not_change_a_turns_outcome(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script(*begin(), HANG)
    async with start(request_timeout_ms=3000) as gateway:
        asking = asyncio.create_task(gateway.claude())
        await until(lambda: claude.starts)
        guard = gateway.container.claude_cli()._processes.launcher._guard._process  # noqa: SLF001
        assert guard is not None
        guard.kill()
        assert code_of(await asking) == "timeout"
        await free(gateway, claude)


async def test_a_killed_orphan_guard_is_restarted_for_the_next_turn(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "conversing"
    folder.mkdir()
    claude = ScriptedClaude(folder, *answer("Hello"), converses=True)
    async with gateway(claude_path=str(claude.path), claude_warm_processes=0) as running:
        session = {"X-Claude-Session-ID": (await running.claude()).headers["X-Claude-Session-ID"]}
        await until(lambda: running.container.claude_cli().status().capacity.live == 1)
        guard = running.container.claude_cli()._processes.launcher._guard  # noqa: SLF001
        killed = guard._process  # noqa: SLF001
        assert killed is not None
        killed.kill()
        await killed.wait()
        assert (await running.claude(headers=session)).status_code == 200
        assert guard.runs
    assert len(claude.starts) == 1


async def test_a_failed_spawn_releases_its_session(gateway: GatewayFactory, tmp_path: Path) -> None:
    folder = tmp_path / "conversing"
    folder.mkdir()
    claude = ScriptedClaude(folder, *answer("Hello"))
    async with gateway(claude_path=str(claude.path)) as running:
        session = {"X-Claude-Session-ID": (await running.claude()).headers["X-Claude-Session-ID"]}
        script = claude.path.read_text()
        claude.path.write_text("#!/missing/interpreter\n")
        failed = await running.claude(headers=session)
        assert (failed.status_code, code_of(failed)) == (503, "backend_unavailable")
        claude.path.write_text(script)
        assert (await running.claude(headers=session)).status_code == 200


async def test_a_session_is_busy_for_other_gateways_until_its_process_exits(
    gateway: GatewayFactory, start: Start, claude: ScriptedClaude, tmp_path: Path
) -> None:
    may_end = tmp_path / "may-end"
    async with start() as first, gateway(claude_path=str(claude.path)) as second:
        use_long_termination_grace(first)
        session = {"X-Claude-Session-ID": (await first.claude()).headers["X-Claude-Session-ID"]}
        waits = {"wait_for": str(may_end)}
        claude.script({"ignore_sigterm": 0}, *begin(), word("Hello"), waits, {"exit": 1})
        body = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        async with first.http.stream(
            "POST", "/v1/chat/completions", json=body, headers=CLAUDE | session
        ) as response:
            async for line in response.aiter_lines():
                if "Hello" in line:
                    break
        await until(lambda: not requests_under_way())
        busy = await second.claude(headers=session)
        assert (busy.status_code, code_of(busy)) == (429, "session_busy")
        may_end.touch()
        await free(first, claude)
        claude.script(*answer("Hello"))
        assert (await second.claude(headers=session)).status_code == 200


async def test_a_silent_process_times_out(start: Start, claude: ScriptedClaude) -> None:
    settings = {"claude_first_event_timeout_ms": 400, "claude_silence_timeout_ms": 600}
    async with start(**settings) as gateway, asyncio.timeout(60):
        for steps in ([HANG], [*begin(), word("Hello"), HANG]):
            claude.script(*steps)
            assert code_of(await gateway.claude()) == "timeout"
        await free(gateway, claude)


async def test_an_account_limit_sets_retry_after_and_leaves_no_new_session(
    start: Start, claude: ScriptedClaude
) -> None:
    async with start() as gateway:
        session = {"X-Claude-Session-ID": (await gateway.claude()).headers["X-Claude-Session-ID"]}
        claude.script(LONG_WAIT, HANG)
        for headers in (session, CLAUDE):
            limited = await gateway.claude(headers=headers, stream=True)
            assert limited.status_code == 429
            assert limited.headers["Retry-After"] == "38"
            assert "X-Should-Retry" not in limited.headers
        await free(gateway, claude)
        await until(lambda: len(sessions_of(gateway)) == 1)
        claude.script(*answer("Hello"))
        assert (await gateway.claude(headers=session)).status_code == 200


async def test_a_retry_after_too_long_for_sdks_disables_their_retries(
    start: Start, claude: ScriptedClaude
) -> None:
    info = {"status": "rejected", "resetsAt": 4_000_000_000}
    event = {"type": "rate_limit_event", "rate_limit_info": info}
    told = {"type": "result", "is_error": True, "api_error_status": 429}
    claude.script({"emit": event}, {"emit": told})
    async with start() as gateway:
        limited = await gateway.claude()
    assert limited.status_code == 429
    assert int(limited.headers["Retry-After"]) > 1_000_000
    assert limited.headers["X-Should-Retry"] == "false"


async def test_the_cli_may_wait_for_its_own_retry_up_to_a_setting(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script(LONG_WAIT, *answer("Hello"))
    async with start(claude_max_own_wait_ms=40_000) as gateway:
        assert (await gateway.claude()).status_code == 200


async def test_a_model_may_reason_in_silence_for_longer_than_other_silences(
    start: Start, claude: ScriptedClaude, tmp_path: Path
) -> None:
    enough = tmp_path / "enough"
    init, message, block = begin()
    claude.script(
        init,
        message,
        REASONS,
        {"wait_for": str(enough)},
        REASONED,
        block,
        word("Hello"),
        result("Hello"),
    )
    async with start(sse_keepalive_ms=100, claude_silence_timeout_ms=200) as gateway:
        body = {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        async with gateway.http.stream(
            "POST", "/v1/chat/completions", json=body, headers=CLAUDE
        ) as response:
            lines = response.aiter_lines()
            for _ in range(6):  # 600 ms of silence
                while await anext(lines) != ": keep-alive":
                    pass
            enough.touch()
            text = "\n".join([line async for line in lines])
    assert '"content":"Hello"' in text
    assert '"finish_reason":"stop"' in text


async def test_keep_alive_comments_are_sent_before_the_first_content_block(
    start: Start, claude: ScriptedClaude, tmp_path: Path
) -> None:
    enough = tmp_path / "enough"
    _, message, *rest = answer("Hello")
    claude.script(message, {"wait_for": str(enough)}, *rest)
    async with start(sse_keepalive_ms=50) as gateway:
        body = {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        async with gateway.http.stream(
            "POST", "/v1/chat/completions", json=body, headers=CLAUDE
        ) as response:
            lines = response.aiter_lines()
            assert response.status_code == 200
            assert await anext(lines) == ": keep-alive"
            enough.touch()
            text = "\n".join([line async for line in lines])
    assert text.count('"content":"Hello"') == 1
    assert '"finish_reason":"stop"' in text


@pytest.mark.parametrize("mode", ["live", "oneshot"])
async def test_a_session_can_be_resumed_after_a_content_filtered_answer(
    mode: str, gateway: GatewayFactory, tmp_path: Path
) -> None:
    claude = ScriptedClaude(tmp_path, converses=mode == "live")
    stop = {"type": "message_delta", "delta": {"stop_reason": "refusal"}}
    refused = {"emit": {"type": "stream_event", "session_id": SESSION, "event": stop}}
    claude.script(*begin(), word("Step one: "), refused, HANG)
    async with gateway(claude_path=str(claude.path), claude_process_mode=mode) as running:
        withheld = await running.claude(stream=True)
        session = {"X-Claude-Session-ID": withheld.headers["X-Claude-Session-ID"]}
        assert '"finish_reason":"content_filter"' in withheld.text
        claude.script(*answer("Hello"))
        for _ in range(2):
            assert (await running.claude(headers=session)).status_code == 200


async def test_the_sdk_does_not_retry_an_empty_response(
    start: Start, claude: ScriptedClaude
) -> None:
    claude.script(result(""))
    async with start() as gateway:
        patient = gateway.sdk.with_options(max_retries=2)
        with pytest.raises(InternalServerError):
            await patient.chat.completions.create(
                model="sonnet", messages=[{"role": "user", "content": "Hi"}], extra_headers=CLAUDE
            )
    assert len(claude.starts) == 1
