from pathlib import Path

import pytest
from pydantic import SecretStr

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState, PassthroughState
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.container import Container, close, live_container
from modegate.entrypoints.bootstrap.http import build_app, build_server, preparing
from modegate.entrypoints.config.adapter_options import claude_options, upstream_options
from modegate.entrypoints.config.mapping import routes
from modegate.entrypoints.config.settings import Settings
from modegate.testing.answer_backend import ScriptedBackend
from modegate.testing.relay_backend import ScriptedRelay
from modegate.testing.transcript_store import FakeTranscriptStore


class Closable:
    """An adapter with resources to close."""

    def __init__(self, error: Exception | None = None) -> None:
        self.closed = 0
        self._error = error

    async def aclose(self) -> None:
        self.closed += 1
        if self._error:
            raise self._error


def test_known_child_environment_variables_are_stripped_of_quotes_and_line_ends(
    tmp_path: Path,
) -> None:
    given = {
        "ANTHROPIC_API_KEY": '""',
        "ANTHROPIC_AUTH_TOKEN": '"token"\r',
        "HTTPS_PROXY": "'http://127.0.0.1:9'",
        "SSL_CERT_FILE": "/certs.pem\r\n",
        "OURS": '"as it is"',
    }
    options = claude_options(Settings(modegate_state_dir=tmp_path), given, None)
    assert options.environment == {
        "ANTHROPIC_API_KEY": "",
        "ANTHROPIC_AUTH_TOKEN": "token",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "SSL_CERT_FILE": "/certs.pem",
        "OURS": '"as it is"',
    }


async def test_leaving_a_live_container_closes_its_adapters(tmp_path: Path) -> None:
    claude, upstream = Closable(), Closable()
    async with live_container(Settings(modegate_state_dir=tmp_path)) as container:
        container.claude_cli.override(claude)
        container.relay_backend.override(upstream)
        container.session_store.override(MemorySessionStore())  # has nothing to close
        assert claude.closed == upstream.closed == 0
    assert claude.closed == upstream.closed == 1


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(settings=Settings(modegate_state_dir=tmp_path))


PARTS = (
    *("claude_cli", "answer_backend", "claude_status", "transcript_store", "relay_backend"),
    *("openai_sdk", "model_catalog", "session_store", "credential_store", "rate_limiter"),
    *("admission_limiter", "clock", "ids"),
)


@pytest.mark.parametrize("name", PARTS)
async def test_an_overridden_adapter_is_closed_once(name: str, container: Container) -> None:
    part = Closable()
    getattr(container, name).override(part)
    await close(container)
    await close(container)
    assert part.closed == 1


async def test_an_adapter_used_for_several_ports_is_closed_once(container: Container) -> None:
    part = Closable()
    container.answer_backend.override(part)
    container.claude_status.override(part)
    container.transcript_store.override(part)
    await close(container)
    assert part.closed == 1


async def test_a_failing_close_does_not_keep_other_adapters_open(container: Container) -> None:
    parts = {name: Closable(OSError(name)) for name in PARTS}
    for name, part in parts.items():
        getattr(container, name).override(part)
    with pytest.raises(OSError, match="ids"):
        await close(container)
    assert [part.closed for part in parts.values()] == [1] * len(parts)


async def test_the_container_works_with_only_the_backends_overridden(container: Container) -> None:
    container.relay_backend.override(ScriptedRelay())
    container.answer_backend.override(ScriptedBackend())
    assert container.check_health().execute().passthrough is PassthroughState.NO_KEY
    assert await container.list_models().execute(include_upstream=True)
    await build_server(build_app(container), container)._drain()  # noqa: SLF001
    await close(container)


async def test_backend_status_and_transcript_store_can_be_overridden(container: Container) -> None:
    class Probe:
        def status(self) -> ClaudeHealth:
            return ClaudeHealth(True, CredentialState.OK, Capacity(1, 2, 3, 4, 5))  # noqa: FBT003

    transcripts = FakeTranscriptStore()
    container.claude_status.override(Probe())
    container.transcript_store.override(transcripts)
    assert container.check_health().execute().answering[CLAUDE].capacity.maximum == 5
    use_cases = container.session_registry, container.manage_sessions, container.expire_sessions
    for use_case in use_cases:
        assert use_case().transcripts is transcripts
    await close(container)


async def test_an_overridden_answer_backend_is_prepared_and_drained(container: Container) -> None:
    class Backend(ScriptedBackend):
        done: tuple[str, ...] = ()

        async def prepare(self) -> None:
            self.done += ("prepared",)

        def drain(self) -> None:
            self.done += ("drained",)

    backend = Backend()
    container.answer_backend.override(backend)
    for prepare in preparing(container):
        await prepare()
    await build_server(build_app(container), container)._drain()  # noqa: SLF001
    assert backend.done == ("prepared", "drained")
    await close(container)


def test_the_server_config_has_host_and_port_from_the_settings(tmp_path: Path) -> None:
    settings = Settings(modegate_state_dir=tmp_path, host="[::1]", port=3999)
    container = Container(settings=settings)
    config = build_server(build_app(container), container).config
    assert (config.host, config.port) == ("::1", 3999)


def test_the_settings_make_one_upstream_unless_passthrough_is_off() -> None:
    (upstream,) = routes(Settings(openai_api_key=SecretStr("sk-x"))).upstreams
    assert (upstream.name, upstream.base_url) == ("openai", "https://api.openai.com/v1")
    assert upstream.credentials == (Credential("env", ApiKey("sk-x")),)
    (without,) = routes(Settings(openai_base_url="http://upstream.example/v1")).upstreams
    assert (without.base_url, without.credentials) == ("http://upstream.example/v1", ())
    assert routes(Settings(openai_passthrough_enabled=False)).upstreams == ()


def test_the_first_byte_timeout_defaults_to_the_request_timeout() -> None:
    same = upstream_options(Settings(request_timeout_ms=7_000))
    assert (same.timeout, same.first_byte) == (7.0, 7.0)
    own = upstream_options(Settings(upstream_first_byte_timeout_ms=900_000))
    assert (own.timeout, own.first_byte) == (300.0, 900.0)
