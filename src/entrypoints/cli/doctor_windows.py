"""The quota windows of the Claude login, as the turn of `modegate doctor --live` learned them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from modegate.domain.credentials.quota_windows import QuotaWindow, QuotaWindows, WindowStatus
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.cli.diagnostic import Diagnostic, Severity

CLOSE = "turns are refused at its limit, until it resets"
REFUSED = "turns are refused until then; allow paid use beyond the plan, or set ANTHROPIC_API_KEY"


def examine_windows(container: Container) -> Iterator[Diagnostic]:
    """Yields a finding for each window; none with a key, whose account has no windows."""
    known = container.check_health().execute().answering[CLAUDE].windows
    if known is not None:
        yield from describe_windows(known)


def describe_windows(known: QuotaWindows) -> Iterator[Diagnostic]:
    """Yields a finding for each window, the one that binds last, and one for a refusal."""
    for window in sorted(known.windows.values(), key=lambda it: it.name == known.binding):
        yield _describe(window, binds=window.name == known.binding)
    if known.status is WindowStatus.REJECTED:
        what = f"claude: the account is over its limit{_until(known.resets_at)}"
        yield Diagnostic(Severity.WARNING, what, REFUSED)


def _describe(window: QuotaWindow, *, binds: bool) -> Diagnostic:
    ratio = window.used_ratio
    used = "use unknown" if ratio is None else f"{ratio:.0%} used"
    what = f"claude: quota window {window.name}, {used}{_until(window.resets_at)}"
    what += ", binds" if binds else ""
    if window.status is WindowStatus.WARNING:
        return Diagnostic(Severity.WARNING, what, CLOSE)
    return Diagnostic(Severity.OK, what)


def _until(at: float | None) -> str:
    return "" if at is None else f", resets {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"
