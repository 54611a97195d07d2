"""`modegate doctor`: looks at everything that a request will need, and says what to do."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence

from modegate.domain.errors import GatewayError
from modegate.domain.health import CredentialState, PassthroughState, StorageState
from modegate.entrypoints.banner import OWN_UPSTREAM_ADVICE, counted, url_of
from modegate.entrypoints.container import Container, live_container
from modegate.entrypoints.doctor_live import ask_claude, ask_upstream
from modegate.entrypoints.finding import Finding, Verdict
from modegate.entrypoints.invocation import program
from modegate.entrypoints.logging import configure_logging
from modegate.entrypoints.server import AddressError, listen
from modegate.entrypoints.settings import Settings


async def run_doctor(settings: Settings, *, live: bool, warnings: Sequence[str] = ()) -> int:
    """Print each finding as it comes; returns the exit status: 1 where something is bad.

    `warnings` are about the settings as they are written.
    """
    configure_logging("error", "pretty")
    verdicts: Counter[Verdict] = Counter()
    for warning in warnings:
        _report(
            Finding(Verdict.ODD, f"settings: {warning}", "correct it where it is set"), verdicts
        )
    async with live_container(settings) as container:
        async for finding in _examine(container, live=live):
            _report(finding, verdicts)
    print(f"\n{_conclusion(verdicts)}")
    return int(Verdict.BAD in verdicts)


def _report(finding: Finding, verdicts: Counter[Verdict]) -> None:
    print(finding, flush=True)
    verdicts[finding.verdict] += 1


def _conclusion(verdicts: Counter[Verdict]) -> str:
    if bad := verdicts[Verdict.BAD]:
        return f"{counted(bad, 'failure')}: do what stands below FAIL, then run this again."
    if odd := verdicts[Verdict.ODD]:
        return f"Nothing failed; {counted(odd, 'warning')}. Next: `{program()} serve`"
    return f"All is well. Next: `{program()} serve`"


async def _examine(container: Container, *, live: bool) -> AsyncIterator[Finding]:
    settings: Settings = container.settings()
    async for finding in _claude(container):
        yield finding
    yield _passthrough(container)
    yield await _sessions(container)
    yield _address(settings)
    yield _authentication(settings)
    if live:
        yield await ask_claude(container, settings)
        yield await ask_upstream(container)


async def _claude(container: Container) -> AsyncIterator[Finding]:
    passthrough_works = container.passthrough_probe().look() is PassthroughState.OK
    worst = Verdict.ODD if passthrough_works else Verdict.BAD
    found = await container.claude_examination()
    if found.path is None:
        advice = (
            "install the claude CLI, or into this environment claude-agent-sdk, which brings one; or "
            "set CLAUDE_PATH"
        )
        yield Finding(worst, "claude: no executable", advice)
        return
    if found.version is None:
        advice = "run it by hand: it has to print its version"
        yield Finding(worst, f"claude: {found.path} does not answer --version", advice)
        return
    yield Finding(Verdict.FINE, f"claude: {found.path}, version {found.version}")
    if found.unknown_options:
        missing = ", ".join(found.unknown_options)
        advice = "update the claude CLI: without them it is less confined"
        yield Finding(Verdict.ODD, f"claude: does not know {missing}", advice)
    else:
        yield Finding(Verdict.FINE, "claude: knows every option that modegate uses")
    yield _process_mode(container, converses=found.converses)
    yield {
        CredentialState.OK: Finding(Verdict.FINE, "claude: a key is set"),
        CredentialState.LOGIN: Finding(Verdict.FINE, "claude: a login is there"),
    }.get(
        container.claude_probe().look().credentials,
        Finding(worst, "claude: no credentials", "set ANTHROPIC_API_KEY, or log in with `claude`"),
    )


def _process_mode(container: Container, *, converses: bool) -> Finding:
    settings: Settings = container.settings()
    if settings.claude_process_mode == "oneshot":
        return Finding(Verdict.FINE, "claude: one process a request, as CLAUDE_PROCESS_MODE says")
    if not converses:
        advice = "update the claude CLI: processes cannot be kept between turns"
        return Finding(Verdict.ODD, "claude: one process a request", advice)
    kept = f"{settings.claude_live_sessions} sessions keep theirs"
    ready = f"{settings.claude_warm_processes} stand ready for each model in use"
    return Finding(Verdict.FINE, f"claude: live processes, {ready}, {kept}")


def _passthrough(container: Container) -> Finding:
    settings: Settings = container.settings()
    if settings.is_own_upstream():
        what = "passthrough: its upstream is this gateway itself"
        return Finding(Verdict.BAD, what, OWN_UPSTREAM_ADVICE)
    health = container.check_health()()
    if health.passthrough is PassthroughState.DISABLED:
        return Finding(Verdict.FINE, "passthrough: switched off")
    has_key = health.passthrough is PassthroughState.OK
    try:
        container.upstream_proxy()
    except GatewayError as error:
        worst = Verdict.BAD if has_key else Verdict.ODD
        return Finding(worst, "passthrough: its proxy cannot be used", error.message)
    if has_key:
        return Finding(Verdict.FINE, "passthrough: a key is set")
    if health.clients_may_bring_keys:
        advice = "clients have to send X-OpenAI-API-Key; or set OPENAI_API_KEY"
        return Finding(Verdict.ODD, "passthrough: the server has no key", advice)
    return Finding(Verdict.ODD, "passthrough: no key", "set OPENAI_API_KEY")


async def _sessions(container: Container) -> Finding:
    settings: Settings = container.settings()
    try:
        known = len(await container.session_store().find())
    except GatewayError as error:
        return Finding(Verdict.BAD, f"sessions: {settings.modegate_state_dir}", error.message)
    # What can be read on a full disk cannot be written.
    storage = container.storage_probe()
    await storage.check_storage()
    if storage.storage_state() is StorageState.ERROR:
        what = f"sessions: {settings.modegate_state_dir} cannot be written"
        return Finding(Verdict.BAD, what, "free space on its disk, or make it writable")
    return Finding(Verdict.FINE, f"sessions: {known} in {settings.modegate_state_dir}")


def _address(settings: Settings) -> Finding:
    try:
        listen(settings.host, settings.port).close()
    except AddressError as error:
        return Finding(
            Verdict.ODD, f"address: {error}", "fine where modegate itself is running there"
        )
    return Finding(Verdict.FINE, f"address: {url_of(settings.host, settings.port)} is free")


def _authentication(settings: Settings) -> Finding:
    if keys := len(settings.all_keys()):
        return Finding(Verdict.FINE, f"authentication: {counted(keys, 'key')}")
    return Finding(
        Verdict.ODD, "authentication: off, everybody who can connect may ask", "set API_KEY"
    )
