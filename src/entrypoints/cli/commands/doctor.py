"""`modegate doctor`: checks everything that requests need, and prints advice."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from modegate.domain.errors import GatewayError
from modegate.domain.health import CredentialState, PassthroughState, StorageState
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.adapters import storage_probe
from modegate.entrypoints.bootstrap.container import Container, live_container
from modegate.entrypoints.bootstrap.log_config import configure_logging
from modegate.entrypoints.cli.diagnostic import Diagnostic, Severity
from modegate.entrypoints.cli.doctor_live import ask_claude, ask_upstreams
from modegate.entrypoints.cli.doctor_upstreams import examine_passthrough
from modegate.entrypoints.cli.doctor_windows import examine_windows
from modegate.entrypoints.cli.program_name import command_name
from modegate.entrypoints.cli.startup_banner import counted, url_of
from modegate.entrypoints.cli.wording import OPERATOR
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.server.listener import AddressError, listen


async def run_doctor(settings: Settings, *, live: bool, warnings: Sequence[str] = ()) -> int:
    """Prints each finding immediately, and returns the exit status: 1 if there is an error.

    `warnings` are those from loading the settings.
    """
    configure_logging("error", "pretty")
    verdicts: Counter[Severity] = Counter()
    for warning in warnings:
        _report(
            Diagnostic(Severity.WARNING, f"settings: {warning}", "correct it where it is set"),
            verdicts,
        )
    async with live_container(settings) as container:
        async for finding in _examine(container, live=live):
            _report(finding, verdicts)
    print(f"\n{_conclusion(verdicts)}")
    return int(Severity.ERROR in verdicts)


def _report(finding: Diagnostic, verdicts: Counter[Severity]) -> None:
    print(finding, flush=True)
    verdicts[finding.verdict] += 1


def _conclusion(verdicts: Counter[Severity]) -> str:
    if bad := verdicts[Severity.ERROR]:
        return f"{counted(bad, 'failure')}: follow the advice below FAIL, then run this again."
    if odd := verdicts[Severity.WARNING]:
        return f"Nothing failed; {counted(odd, 'warning')}. Next: `{command_name()} serve`"
    return f"All is well. Next: `{command_name()} serve`"


async def _examine(container: Container, *, live: bool) -> AsyncIterator[Diagnostic]:
    settings: Settings = container.settings()
    async for finding in _claude(container):
        yield finding
    for finding in examine_passthrough(container):
        yield finding
    if container.store() is not None:
        yield await _store(container)
    yield await _sessions(container)
    yield _address(settings)
    yield await _authentication(container)
    if live:
        yield await ask_claude(container, settings)
        for finding in examine_windows(container):
            yield finding
        async for finding in ask_upstreams(container):
            yield finding


async def _claude(container: Container) -> AsyncIterator[Diagnostic]:
    passthrough_works = container.check_health().execute().passthrough is PassthroughState.OK
    worst = Severity.WARNING if passthrough_works else Severity.ERROR
    found = await container.cli_diagnostics()
    if found.path is None:
        advice = (
            "install the claude CLI, or into this environment claude-agent-sdk, which brings one; or "
            "set CLAUDE_PATH"
        )
        yield Diagnostic(worst, "claude: no executable", advice)
        return
    if found.version is None:
        advice = "run it by hand: it has to print its version"
        yield Diagnostic(worst, f"claude: {found.path} does not answer --version", advice)
        return
    yield Diagnostic(Severity.OK, f"claude: {found.path}, version {found.version}")
    if found.unknown_options:
        missing = ", ".join(found.unknown_options)
        advice = "update the claude CLI: without them it is less confined"
        yield Diagnostic(Severity.WARNING, f"claude: does not know {missing}", advice)
    else:
        yield Diagnostic(Severity.OK, "claude: knows every option that modegate uses")
    yield _process_mode(container, converses=found.converses)
    yield {
        CredentialState.OK: Diagnostic(Severity.OK, "claude: a key is set"),
        CredentialState.LOGIN: Diagnostic(Severity.OK, "claude: a login is there"),
    }.get(
        container.check_health().execute().answering[CLAUDE].credentials,
        Diagnostic(
            worst, "claude: no credentials", "set ANTHROPIC_API_KEY, or log in with `claude`"
        ),
    )


def _process_mode(container: Container, *, converses: bool) -> Diagnostic:
    settings: Settings = container.settings()
    if settings.claude_process_mode == "oneshot":
        return Diagnostic(Severity.OK, "claude: one process a request, as CLAUDE_PROCESS_MODE says")
    if not converses:
        advice = "update the claude CLI: processes cannot be kept between turns"
        return Diagnostic(Severity.WARNING, "claude: one process a request", advice)
    kept = f"{settings.claude_live_sessions} sessions keep theirs"
    ready = f"{settings.claude_warm_processes} stand ready for each model in use"
    return Diagnostic(Severity.OK, f"claude: live processes, {ready}, {kept}")


async def _store(container: Container) -> Diagnostic:
    store = container.store()
    what = f"store: {store.address}"
    try:
        await store.check()
    except GatewayError as error:
        return Diagnostic(Severity.ERROR, what, error.explain(OPERATOR))
    return Diagnostic(Severity.OK, what)


async def _sessions(container: Container) -> Diagnostic:
    settings: Settings = container.settings()
    store = container.store()
    place = settings.modegate_state_dir if store is None else store.address
    try:
        known = await container.session_store().count()
    except GatewayError as error:
        return Diagnostic(Severity.ERROR, f"sessions: {place}", error.explain(OPERATOR))
    # A full disk can be read, but not written.
    storage = container.storage_probe()
    await storage.check_storage()
    if storage.storage_state() is StorageState.ERROR:
        sessions = container.session_store()
        if store is not None and storage_probe(sessions).storage_state() is StorageState.ERROR:
            what = f"sessions: {place} cannot be written"
            return Diagnostic(Severity.ERROR, what, "look at its log, its memory and its role")
        what = f"sessions: {settings.modegate_state_dir} cannot be written"
        return Diagnostic(Severity.ERROR, what, "free space on its disk, or make it writable")
    return Diagnostic(Severity.OK, f"sessions: {known} in {place}")


def _address(settings: Settings) -> Diagnostic:
    try:
        listen(settings.host, settings.port).close()
    except AddressError as error:
        return Diagnostic(
            Severity.WARNING, f"address: {error}", "fine where modegate itself is running there"
        )
    return Diagnostic(Severity.OK, f"address: {url_of(settings.host, settings.port)} is free")


async def _authentication(container: Container) -> Diagnostic:
    try:
        await container.key_registry().load()
    except GatewayError as error:
        return Diagnostic(
            Severity.ERROR, "authentication: keys of clients", error.explain(OPERATOR)
        )
    if keys := len(container.key_registry().ring):
        return Diagnostic(Severity.OK, f"authentication: {counted(keys, 'key')}")
    return Diagnostic(
        Severity.WARNING,
        "authentication: off, any client that can connect is served",
        "set API_KEY",
    )
