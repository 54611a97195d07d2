"""Files and batches that the gateway keeps and runs itself."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from openai import (
    APIStatusError,
    AsyncOpenAI,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
)
from openai.types import Batch
from support.disk import mounted
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.serving import COLD, Serving, bare_environment, serving
from support.waiting import until

from modegate.adapters.sqlite.batches.file_store import FOLDER
from modegate.adapters.sqlite.usage_ledger import SqliteUsageLedger
from modegate.domain.usage.query import Group, UsageQuery
from modegate.domain.usage.sums import Sums
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.answer_backend import ScriptedBackend

EVERYTHING = UsageQuery(start_ms=0, end_ms=int((time.time() + 86_400) * 1000))
JSON = {"content-type": "application/json"}
CHAT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
ENDED = {"completed", "failed", "expired", "cancelled"}
KEYS = {
    "keys": {
        "one": {"key": "sk-one-0123456789"},
        "two": {"key": "sk-two-0123456789", "models": ["sonnet"]},
    }
}
ONE, TWO = "sk-one-0123456789", "sk-two-0123456789"


def line(custom_id: str, url: str = CHAT, **body: Any) -> str:
    """Returns a line of an input file."""
    content = {"model": "sonnet", "messages": [{"role": "user", "content": custom_id}]} | body
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": content})


def lines(count: int) -> str:
    return "\n".join(line(f"item-{it}") for it in range(count))


def sdk_of(gateway: Gateway, key: str = "sk-none", *, claude: bool = True) -> AsyncOpenAI:
    return gateway.sdk.with_options(api_key=key, default_headers=CLAUDE if claude else {})


async def started(sdk: AsyncOpenAI, content: str, endpoint: Any = CHAT, **params: Any) -> Batch:
    """Uploads a file and creates its batch."""
    file = await sdk.files.create(file=("in.jsonl", content.encode()), purpose="batch")
    return await sdk.batches.create(
        input_file_id=file.id, endpoint=endpoint, completion_window="24h", **params
    )


async def ended(sdk: AsyncOpenAI, batch_id: str) -> Batch:
    """Waits for the end of a batch."""
    found: list[Batch] = []

    async def is_over() -> bool:
        found[:] = [await sdk.batches.retrieve(batch_id)]
        return found[0].status in ENDED

    await eventually(is_over)
    return found[0]


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns as soon as an asynchronous condition holds."""
    async with asyncio.timeout(60):
        while not await condition():  # noqa: ASYNC110 - the gateway sets no event
            await asyncio.sleep(0.02)


async def rows_of(sdk: AsyncOpenAI, file_id: str | None) -> list[dict[str, Any]]:
    """Returns the lines of an output or error file."""
    assert file_id is not None
    content = await sdk.files.content(file_id)
    return [json.loads(it) for it in content.text.splitlines()]


class ModelsApi:
    """An upstream without a batch API; its first answers have `statuses`."""

    def __init__(self, *statuses: int) -> None:
        self._statuses = list(statuses)
        self.asked: list[str] = []
        self.go = asyncio.Event()
        self.go.set()
        self.delay_s = 0.0

    async def answer(self, request: Request, reply: Reply) -> None:
        if not request.path.endswith(("/chat/completions", "/embeddings")):
            await reply.whole(404, b'{"error": {"message": "no such path"}}', JSON)
            return
        body = json.loads(request.body)
        self.asked.append(body["messages"][0]["content"] if "messages" in body else body["input"])
        await self.go.wait()
        await asyncio.sleep(self.delay_s)
        if self._statuses:
            status = self._statuses.pop(0)
            headers = JSON | {"retry-after": "0"}
            await reply.whole(status, b'{"error": {"message": "no"}}', headers)
            return
        message = {"role": "assistant", "content": "Hi"}
        found = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }
        await reply.whole(200, json.dumps(found).encode(), JSON)


@asynccontextmanager
async def without_batches(
    gateway: GatewayFactory, api: ModelsApi, **settings: Any
) -> AsyncIterator[Gateway]:
    """Runs a gateway in front of an upstream without a batch API."""
    async with (
        LoopbackServer(api.answer).running() as url,
        gateway(
            openai_api_key="sk-server",
            openai_base_url=f"{url}/v1",
            **{"openai_batches": "gateway", "upstream_max_retries": 0} | settings,
        ) as running,
    ):
        yield running


async def sums_of(running: Gateway) -> Sums:
    """Returns the sums of all requests in the usage ledger."""
    (group,) = await running.container.usage_ledger().sums(EVERYTHING)
    return group.sums


async def test_claude_code_answers_a_batch(gateway: GatewayFactory) -> None:
    async with gateway(claude=ScriptedBackend()) as running:
        sdk = sdk_of(running)
        created = await started(sdk, lines(5), metadata={"job": "nightly"})
        assert (created.status, created.metadata) == ("validating", {"job": "nightly"})
        batch = await ended(sdk, created.id)
        assert (batch.status, batch.error_file_id, batch.errors) == ("completed", None, None)
        assert batch.request_counts is not None
        assert batch.request_counts.to_dict() == {"total": 5, "completed": 5, "failed": 0}
        rows = await rows_of(sdk, batch.output_file_id)
        assert [it["custom_id"] for it in rows] == [f"item-{it}" for it in range(5)]
        for row in rows:
            assert row.keys() == {"id", "custom_id", "response", "error"}
            assert (row["error"], row["response"]["status_code"]) == (None, 200)
            text = row["response"]["body"]["choices"][0]["message"]["content"]
            assert text == "Hello there."
        assert (await sums_of(running)).requests == 5
        known = {it["response"]["request_id"] for it in rows}
        stored = await running.container.usage_ledger().page(0, 100)
        assert {it.request_id for it in stored} == known
        assert [it.id async for it in sdk.batches.list()] == [batch.id]
        output = await sdk.files.retrieve(batch.output_file_id or "")
        assert (output.purpose, output.filename) == ("batch_output", f"{batch.id}_output.jsonl")
        assert not await running.container.session_store().find()


async def test_files_are_listed_in_pages_read_and_deleted(gateway: GatewayFactory) -> None:
    async with gateway() as running:
        sdk = sdk_of(running)
        files = [
            await sdk.files.create(
                file=(f"{it}.jsonl", b"x" * it),
                purpose="batch",
                expires_after={"anchor": "created_at", "seconds": 3600},
            )
            for it in range(3)
        ]
        assert [it.bytes for it in files] == [0, 1, 2]
        assert all((it.expires_at or 0) - it.created_at == 3600 for it in files)
        assert [it.id async for it in sdk.files.list(limit=2)] == [it.id for it in files[::-1]]
        in_order = [it.id async for it in sdk.files.list(order="asc", purpose="batch")]
        assert in_order == [it.id for it in files]
        assert (await sdk.files.content(files[2].id)).content == b"xx"
        assert (await sdk.files.delete(files[2].id)).deleted
        for call in (sdk.files.retrieve, sdk.files.content, sdk.files.delete):
            with pytest.raises(NotFoundError):
                await call(files[2].id)
        # The SDK may also name them in passthrough, where ids tell whose they are.
        assert (await sdk_of(running, claude=False).files.retrieve(files[1].id)).bytes == 1


async def test_an_upstream_without_batches_gets_each_request_once(gateway: GatewayFactory) -> None:
    api = ModelsApi(429, 500, 400)
    async with without_batches(gateway, api) as running:
        sdk = sdk_of(running, claude=False)
        batch = await ended(sdk, (await started(sdk, lines(20))).id)
        assert batch.status == "completed"
        assert batch.request_counts is not None
        assert batch.request_counts.to_dict() == {"total": 20, "completed": 19, "failed": 1}
        (failed,) = await rows_of(sdk, batch.error_file_id)
        assert failed["response"]["status_code"] == 400
        rows = await rows_of(sdk, batch.output_file_id)
        assert len({it["custom_id"] for it in (*rows, failed)}) == 20
        assert len(api.asked) == 22
        sums = await sums_of(running)
        assert (sums.prompt_tokens, sums.completion_tokens) == (19 * 3, 19 * 2)


async def test_other_endpoints_are_relayed_too(gateway: GatewayFactory) -> None:
    content = line("e", "/v1/embeddings", input="text")
    async with without_batches(gateway, ModelsApi()) as running:
        sdk = sdk_of(running, claude=False)
        created = await started(sdk, content, "/v1/embeddings")
        assert (await ended(sdk, created.id)).status == "completed"
        with pytest.raises(BadRequestError, match="this endpoint"):
            await started(sdk_of(running), content, "/v1/embeddings")


@pytest.mark.parametrize("claude", [True, False])
async def test_messages_are_answered_in_both_modes(gateway: GatewayFactory, claude: bool) -> None:
    url = "/v1/messages"
    content = f"{line('good', url, max_tokens=9)}\n{line('bad', url)}"
    async with without_batches(gateway, ModelsApi(), claude=ScriptedBackend()) as running:
        sdk = sdk_of(running, claude=claude)
        batch = await ended(sdk, (await started(sdk, content, url)).id)
        (good,) = await rows_of(sdk, batch.output_file_id)
        assert (good["custom_id"], good["response"]["body"]["type"]) == ("good", "message")
        (bad,) = await rows_of(sdk, batch.error_file_id)
        error = bad["response"]["body"]
        assert (error["type"], error["error"]["type"]) == ("error", "invalid_request_error")
        assert error["request_id"] == bad["response"]["request_id"]


async def test_a_file_of_claude_code_mode_can_be_run_in_passthrough(
    gateway: GatewayFactory,
) -> None:
    api = ModelsApi()
    async with without_batches(gateway, api, openai_batches="upstream") as running:
        file = await sdk_of(running).files.create(file=("a", lines(2).encode()), purpose="batch")
        sdk = sdk_of(running, claude=False)
        created = await sdk.batches.create(
            input_file_id=file.id, endpoint=CHAT, completion_window="24h"
        )
        assert (await ended(sdk, created.id)).status == "completed"
        assert sorted(api.asked) == ["item-0", "item-1"]
        relayed = await running.http.get(
            "/v1/batches/batch_1", headers={"X-OpenAI-API-Key": "sk-o"}
        )
        assert relayed.json() == {"error": {"message": "no such path"}}


async def test_clients_do_not_see_each_other(gateway: GatewayFactory) -> None:
    async with gateway(claude=ScriptedBackend(), **KEYS) as running:
        one, two = sdk_of(running, ONE), sdk_of(running, TWO)
        batch = await ended(one, (await started(one, lines(1))).id)
        for call in (two.batches.retrieve, two.batches.cancel):
            with pytest.raises(NotFoundError):
                await call(batch.id)
        for file_id in (batch.input_file_id, batch.output_file_id or ""):
            for read in (two.files.retrieve, two.files.content, two.files.delete):
                with pytest.raises(NotFoundError):
                    await read(file_id)
        with pytest.raises(NotFoundError):
            await two.batches.create(
                input_file_id=batch.input_file_id, endpoint=CHAT, completion_window="24h"
            )
        assert not [it async for it in two.files.list()]
        assert not [it async for it in two.batches.list()]
        (group,) = await running.container.usage_ledger().sums(
            replace(EVERYTHING, groups=(Group.KEY,))
        )
        assert (group.values, group.sums.requests) == (("one",), 1)


async def test_the_rules_of_the_key_apply_to_each_request(gateway: GatewayFactory) -> None:
    async with gateway(claude=ScriptedBackend(), **KEYS) as running:
        sdk = sdk_of(running, TWO)
        content = "\n".join((line("allowed"), line("forbidden", model="opus")))
        batch = await ended(sdk, (await started(sdk, content)).id)
        (failed,) = await rows_of(sdk, batch.error_file_id)
        assert failed["custom_id"] == "forbidden"
        assert failed["response"]["body"]["error"]["code"] == "model_not_allowed"


async def test_what_a_cancelled_batch_has_answered_remains(gateway: GatewayFactory) -> None:
    api = ModelsApi()
    async with without_batches(gateway, api, batch_concurrency=2) as running:
        sdk = sdk_of(running, claude=False)
        api.go.clear()
        created = await started(sdk, lines(6))
        await until(lambda: len(api.asked) == 2)
        assert (await sdk.batches.cancel(created.id)).status == "cancelling"
        assert (await sdk.batches.cancel(created.id)).status == "cancelling"
        api.go.set()
        batch = await ended(sdk, created.id)
        assert batch.status == "cancelled"
        assert batch.request_counts is not None
        assert batch.request_counts.to_dict() == {"total": 6, "completed": 2, "failed": 0}
        assert len(await rows_of(sdk, batch.output_file_id)) == 2
        left = await rows_of(sdk, batch.error_file_id)
        assert {it["error"]["code"] for it in left} == {"batch_cancelled"}
        assert len(left) == 4
        with pytest.raises(ConflictError, match="cancelled"):
            await sdk.batches.cancel(created.id)


async def test_a_batch_expires(gateway: GatewayFactory) -> None:
    api = ModelsApi()
    async with without_batches(gateway, api, batch_concurrency=1) as running:
        sdk = sdk_of(running, claude=False)
        api.go.clear()
        created = await started(sdk, lines(3))
        await until(lambda: api.asked)
        past = time.time() - 1
        await running.container.batch_queue().change(
            created.id, lambda it: replace(it, expires_at=past)
        )
        api.go.set()
        batch = await ended(sdk, created.id)
        assert batch.status == "expired"
        assert len(await rows_of(sdk, batch.output_file_id)) == 1
        left = await rows_of(sdk, batch.error_file_id)
        assert [it["error"]["code"] for it in left] == ["batch_expired"] * 2


BAD_FILES = {
    "invalid_json_line": (f"{line('a')}\n{{", 2),
    "duplicate_custom_id": (f"{line('a')}\n\n{line('a')}", 3),
    "invalid_url": (line("a", "/v1/files"), 1),
    "mismatched_url": (line("a", "/v1/embeddings"), 1),
    "stream_unsupported": (line("a", stream=True), 1),
    "empty_file": ("\n", None),
}


async def test_bad_lines_fail_a_batch_before_anything_is_sent(gateway: GatewayFactory) -> None:
    backend = ScriptedBackend()
    async with gateway(claude=backend) as running:
        sdk = sdk_of(running)
        for code, (content, number) in BAD_FILES.items():
            batch = await ended(sdk, (await started(sdk, content)).id)
            assert batch.status == "failed"
            assert batch.errors is not None
            (fault,) = batch.errors.data or []
            assert (fault.code, fault.line) == (code, number)
            assert "question" not in (fault.message or "")
        many = "\n".join(["{"] * 500)
        batch = await ended(sdk, (await started(sdk, many)).id)
        assert batch.errors is not None
        assert len(batch.errors.data or ()) == 50
        assert not backend.turns


async def test_wrong_requests_are_refused(gateway: GatewayFactory) -> None:
    async with gateway(max_upload_bytes=4096, batch_max_bytes=6000) as running:
        sdk = sdk_of(running)
        with pytest.raises(BadRequestError, match="batch"):
            await sdk.files.create(file=("a", b"x"), purpose="assistants")
        with pytest.raises(APIStatusError, match="4096 bytes"):
            await sdk.files.create(file=("a", b"x" * 5000), purpose="batch")
        file = await sdk.files.create(file=("a", b"x" * 3500), purpose="batch")
        with pytest.raises(APIStatusError, match="does not fit"):
            await sdk.files.create(file=("a", b"x" * 3500), purpose="batch")
        wrong: Sequence[dict[str, Any]] = (
            {"completion_window": "1h"},
            {"endpoint": "/v1/files"},
            {"metadata": {"a": 1}},
            {"output_expires_after": {"anchor": "created_at", "seconds": 1}},
        )
        right: dict[str, Any] = {
            "input_file_id": file.id,
            "endpoint": CHAT,
            "completion_window": "24h",
        }
        for change in wrong:
            with pytest.raises(BadRequestError) as raised:
                await sdk.batches.create(**(right | change))
            assert raised.value.param == next(iter(change))
        with pytest.raises(NotFoundError):
            await sdk.batches.create(
                input_file_id="file-mg_0", endpoint=CHAT, completion_window="24h"
            )
        for path in (
            "/v1/files?limit=0",
            "/v1/files?order=x",
            "/v1/batches?limit=101",
            "/v1/files?x=1",
        ):
            assert (await running.http.get(path, headers=CLAUDE)).status_code == 400


async def test_a_full_disk_refuses_a_file_and_leaves_nothing_of_it(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    with mounted(tmp_path / "state") as disk:
        async with gateway() as running:
            sdk = sdk_of(running)
            await sdk.files.create(file=("a", b"x"), purpose="batch")
            disk.fill()
            with pytest.raises(InternalServerError) as raised:
                await sdk.files.create(file=("b", b"x" * 1_000_000), purpose="batch")
            assert raised.value.code == "storage_unavailable"
            disk.free()
            await sdk.files.create(file=("c", b"x"), purpose="batch")
            assert [it.filename async for it in sdk.files.list()] == ["c", "a"]
            assert len(list((tmp_path / "state" / FOLDER).iterdir())) == 2


async def test_the_load_of_batches_is_a_metric(gateway: GatewayFactory) -> None:
    api = ModelsApi()
    async with without_batches(gateway, api, batch_concurrency=1) as running:
        sdk = sdk_of(running, claude=False)
        api.go.clear()
        created = await started(sdk, lines(3))

        async def is_shown() -> bool:
            text = (await running.http.get("/metrics")).text
            figures = ('{state="waiting"} 2.0', '{state="running"} 1.0')
            return all(f"modegate_batch_items{it}" in text for it in figures)

        await eventually(is_shown)
        api.go.set()
        await ended(sdk, created.id)


async def test_the_fields_of_a_form_may_follow_the_file(gateway: GatewayFactory) -> None:
    head = {"content-type": "multipart/form-data; boundary=B"} | CLAUDE
    file = (
        b'--B\r\ncontent-disposition: form-data; name="file"; filename="dir/a.jsonl"\r\n\r\nabc\r\n'
    )
    purpose = b'--B\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    end = b"--B--\r\n"
    async with gateway() as running:

        async def sent(body: bytes) -> httpx2.Response:
            return await running.http.post("/v1/files", content=body, headers=head)

        stored = (await sent(file + purpose + end)).json()
        assert (stored["filename"], stored["bytes"]) == ("a.jsonl", 3)
        for body in (
            file + end,
            purpose + end,
            file + purpose.replace(b"batch", b"vision") + end,
            purpose + file[:-5],
            purpose + file + file + end,
            purpose + file.replace(b"a.jsonl", b"\xff") + end,
            purpose + file.replace(b'="dir/a.jsonl"', b"*=utf-8''%ff") + end,
        ):
            assert (await sent(body)).status_code == 400
        assert len([it async for it in sdk_of(running).files.list()]) == 1


async def test_a_batch_goes_on_after_a_shutdown(gateway: GatewayFactory) -> None:
    api = ModelsApi()
    async with without_batches(gateway, api, batch_concurrency=2, shutdown_timeout_ms=1000) as it:
        sdk = sdk_of(it, claude=False)
        api.go.clear()
        created = await started(sdk, lines(6))
        await until(lambda: len(api.asked) == 2)
    other = ModelsApi()
    async with without_batches(gateway, other) as running:
        sdk = sdk_of(running, claude=False)
        batch = await ended(sdk, created.id)
        assert len(await rows_of(sdk, batch.output_file_id)) == 6
        assert len(other.asked) == 6
        assert (await sums_of(running)).prompt_tokens == 6 * 3


@asynccontextmanager
async def served(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Serving]:
    """Runs a gateway in a process of its own."""
    process = serving(folder=folder, environment=environment)
    running = await asyncio.to_thread(process.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


def client_of(running: Serving) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{running.url}/v1", api_key="x", max_retries=2)


async def test_nothing_is_lost_or_charged_twice_by_kills(tmp_path: Path) -> None:
    api = ModelsApi()
    api.delay_s = 0.05
    async with LoopbackServer(api.answer).running() as url:
        environment = bare_environment(tmp_path) | {
            "OPENAI_API_KEY": "sk-server",
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_BATCHES": "gateway",
            "UPSTREAM_MAX_RETRIES": "0",
            "RATE_LIMIT_PER_IP": "100000",
            **COLD,
        }
        batch_id = ""
        for kill in (10, 25):
            async with served(tmp_path, environment) as running, client_of(running) as sdk:
                batch_id = batch_id or (await started(sdk, lines(40))).id
                await until(partial(_reached, api, kill), 60)
                running.process.kill()
        async with served(tmp_path, environment) as running, client_of(running) as sdk:
            batch = await ended(sdk, batch_id)
            rows = await rows_of(sdk, batch.output_file_id)
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": 40, "completed": 40, "failed": 0}
    assert [it["custom_id"] for it in rows] == [f"item-{it}" for it in range(40)]
    ledger = SqliteUsageLedger(tmp_path / "state")
    stored = await ledger.page(0, 1000)
    await ledger.aclose()
    paid = [it.request_id for it in stored if it.prompt_tokens]
    assert sorted(map(str, paid)) == sorted(it["response"]["request_id"] for it in rows)


def _reached(api: ModelsApi, answers: int) -> bool:
    return len(api.asked) >= answers
