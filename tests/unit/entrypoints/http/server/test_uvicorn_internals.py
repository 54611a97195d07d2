"""Undocumented attributes of uvicorn that the server's classes rely on.

If a test here fails after an update of uvicorn, check the modules in `src/entrypoints/http/server` and
`early_rejections.py` against its new version, then raise the bound in `pyproject.toml`.
"""

import asyncio
import inspect
import tomllib
from importlib.metadata import version

import pytest
import uvicorn
from packaging.requirements import Requirement
from packaging.version import Version
from support.packaging import ROOT
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

ADVICE = "uvicorn's internals have changed: check entrypoints/http/server, then raise the bound"


async def app(scope: object, receive: object, send: object) -> None:
    """Takes three arguments, so that uvicorn does not call it as a factory."""


def config() -> uvicorn.Config:
    return uvicorn.Config(app, http="httptools", log_config=None, lifespan="off")


def protocol() -> HttpToolsProtocol:
    return HttpToolsProtocol(config(), ServerState(), {})


def cycle() -> RequestResponseCycle:
    names = inspect.signature(RequestResponseCycle).parameters
    return RequestResponseCycle(**dict.fromkeys(names))  # type: ignore[arg-type]


# The attributes that the code reads, calls, overrides or sets, by class.
PROTOCOL = """
    app client connection_lost connection_made cycle data_received flow headers loop
    on_headers_complete on_message_begin on_message_complete on_response_complete parser
    pause_writing pipeline resume_writing scope send_400_response server server_state
    timeout_keep_alive timeout_keep_alive_handler transport
"""
CYCLE = """
    chunked_encoding expected_content_length response_complete response_started run_asgi send
    transport waiting_for_100_continue
"""
SERVER = """
    capture_signals config force_exit serve server_state should_exit shutdown started startup
"""
USED = {
    HttpToolsProtocol: (protocol, PROTOCOL),
    RequestResponseCycle: (cycle, CYCLE),
    uvicorn.Server: (lambda: uvicorn.Server(config()), SERVER),
    ServerState: (ServerState, "connections default_headers tasks total_requests"),
}


@pytest.mark.parametrize("kind", USED)
async def test_uvicorn_has_the_attributes_that_the_code_uses(kind: type) -> None:
    make, names = USED[kind]
    missing = set(names.split()) - set(dir(make()))
    assert not missing, f"{kind.__name__} lacks {sorted(missing)}: {ADVICE}"


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        (HttpToolsProtocol, "config server_state app_state _loop"),
        (HttpToolsProtocol.connection_made, "self transport"),
        (HttpToolsProtocol.connection_lost, "self exc"),
        (HttpToolsProtocol.data_received, "self data"),
        (HttpToolsProtocol.send_400_response, "self msg"),
        (HttpToolsProtocol.on_headers_complete, "self"),
        (HttpToolsProtocol.on_message_begin, "self"),
        (HttpToolsProtocol.on_message_complete, "self"),
        (HttpToolsProtocol.on_response_complete, "self"),
        (uvicorn.Server.startup, "self sockets"),
        (uvicorn.Server.shutdown, "self sockets"),
        (uvicorn.Server.capture_signals, "self"),
    ],
)
def test_overridden_uvicorn_methods_have_the_same_parameters(
    method: object, parameters: str
) -> None:
    found = list(inspect.signature(method).parameters)  # type: ignore[arg-type]
    assert found == parameters.split(), f"{method} has the parameters {found}: {ADVICE}"


def test_uvicorn_defaults_that_the_code_relies_on_are_unchanged() -> None:
    fresh = cycle()
    found = (
        fresh.chunked_encoding,
        fresh.expected_content_length,
        fresh.response_started,
        fresh.response_complete,
        httptools_impl.STATUS_LINE[431],
    )
    expected = (None, 0, False, False, b"HTTP/1.1 431 Request Header Fields Too Large\r\n")
    assert found == expected, f"defaults are {found}: {ADVICE}"


class OpenTransport(asyncio.Transport):
    """A transport that stays open."""

    def is_closing(self) -> bool:
        return False


async def test_uvicorn_does_nothing_else_after_a_response() -> None:
    """`GatewayProtocol.on_response_complete` does the same, but sets another timer."""
    idle = protocol()
    idle.connection_made(OpenTransport())
    idle.flow.read_paused = False
    before = dict(vars(idle))
    idle.on_response_complete()
    assert idle.server_state.total_requests == 1, ADVICE
    changed = {name for name, value in vars(idle).items() if before[name] is not value}
    assert changed == {"timeout_keep_alive_task"}, ADVICE
    assert idle.timeout_keep_alive_task is not None
    idle.timeout_keep_alive_task.cancel()


def test_the_uvicorn_bound_admits_the_installed_minor_version_and_no_later_one() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = {it.name: it.specifier for it in map(Requirement, project["dependencies"])}
    installed = Version(version("uvicorn"))
    assert installed in bounds["uvicorn"], ADVICE
    later = f"{installed.major}.{installed.minor + 1}.0"
    assert later not in bounds["uvicorn"], "cap uvicorn: its private classes are used"
