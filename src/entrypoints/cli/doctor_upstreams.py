"""The checks of `modegate doctor` on the upstreams."""

from collections.abc import Iterator
from datetime import UTC, datetime

from modegate.domain.errors import GatewayError
from modegate.domain.health import UpstreamHealth
from modegate.domain.routing.upstream import Upstream
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.cli.diagnostic import Diagnostic, Severity
from modegate.entrypoints.cli.startup_banner import describe, is_plain
from modegate.entrypoints.cli.wording import OPERATOR
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.operator_advice import own_upstream_advice


def examine_passthrough(container: Container) -> Iterator[Diagnostic]:
    """Yields the findings about each upstream, without a request."""
    settings: Settings = container.settings()
    own = tuple(settings.own_upstreams())
    for place in own:
        what = f"passthrough: its upstream is this gateway itself, by {place}"
        yield Diagnostic(Severity.ERROR, what, own_upstream_advice(place))
    if own:
        return
    routes = container.configuration_source().current().routes
    if not routes.upstreams:
        yield Diagnostic(Severity.OK, "passthrough: switched off")
    health = routes.health()
    for upstream in routes.upstreams:
        yield _upstream(container, upstream, health[upstream.name])
        yield from _expiring(container, upstream)


def _upstream(container: Container, upstream: Upstream, health: UpstreamHealth) -> Diagnostic:
    subject = "passthrough" if is_plain(upstream) else f"upstream {upstream.name}"
    try:
        container.upstream_proxy(upstream)
    except GatewayError as error:
        worst = Severity.ERROR if health.has_credential else Severity.WARNING
        return Diagnostic(worst, f"{subject}: its proxy cannot be used", error.explain(OPERATOR))
    if not is_plain(upstream):
        return Diagnostic(Severity.OK, f"{subject}: {describe(upstream)}")
    if health.has_credential:
        return Diagnostic(Severity.OK, "passthrough: a key is set")
    if health.accepts_client_keys:
        advice = "clients have to send X-OpenAI-API-Key; or set OPENAI_API_KEY"
        return Diagnostic(Severity.WARNING, "passthrough: the server has no key", advice)
    return Diagnostic(Severity.WARNING, "passthrough: no key", "set OPENAI_API_KEY")


def _expiring(container: Container, upstream: Upstream) -> Iterator[Diagnostic]:
    now = container.clock().now()
    soon = now + container.configuration_source().current().expiry_warning_s
    for credential in upstream.credentials:
        if credential.expires_at is not None and credential.expires_at <= soon:
            verb = "expired" if credential.expires_at <= now else "expires"
            day = datetime.fromtimestamp(credential.expires_at, UTC).date()
            what = f"upstream {upstream.name}: {credential.id} {verb} on {day}"
            yield Diagnostic(Severity.WARNING, what, "replace its key, and change expires_at")
