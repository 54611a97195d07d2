"""The JSON objects of the admin API; times are Unix seconds, null if unknown."""

from modegate.application.credentials.list_upstreams import UpstreamCheck, UpstreamView
from modegate.application.credentials.view import CredentialView
from modegate.domain.access.client_key import ClientKey
from modegate.entrypoints.http.messages.quota_windows import describe_windows


def describe_credential(view: CredentialView) -> dict[str, object]:
    """Returns a credential."""
    error = view.last_error
    windows = {} if view.windows is None else {"quota_windows": describe_windows(view.windows)}
    return {
        "id": view.id,
        "upstream": view.upstream,
        "key": view.key,
        "state": view.status,
        "reason": view.reason,
        "since": _seconds(view.since),
        "next_retry_at": _seconds(view.next_retry_at),
        "last_ok_at": _seconds(view.last_ok_at),
        "last_error": None
        if error is None
        else {"status": error.status, "code": error.code, "at": _seconds(error.at)},
        "requests": view.requests,
        "failures": view.failures,
        **windows,
    }


def describe_key(key: ClientKey, now: float) -> dict[str, object]:
    """Returns a key of a client, without its secret; empty rules are null."""
    rules, budget = key.rules, key.rules.budget
    in_grace = key.old_until is not None and key.old_until > now
    return {
        "id": key.id,
        "object": "api_key",
        "masked": key.masked,
        "name": key.name,
        "source": key.source,
        "state": key.state(now),
        "enabled": key.enabled,
        "models": list(rules.models) or None,
        "modes": list(rules.modes) or None,
        "mode": rules.mode,
        "expires_at": _seconds(key.expires_at),
        "rpm": rules.rpm,
        "tpm": rules.tpm,
        "concurrency": rules.concurrency,
        "budget": None
        if budget is None
        else {"usd": budget.usd, "tokens": budget.tokens, "period": budget.period},
        "created_at": _seconds(key.created_at),
        "revoked_at": _seconds(key.revoked_at),
        "old_secret_until": _seconds(key.old_until) if in_grace else None,
    }


def describe_upstream(view: UpstreamView) -> dict[str, object]:
    """Returns an upstream."""
    upstream = view.upstream
    return {
        "name": upstream.name,
        "kind": upstream.kind,
        "default": view.is_default,
        "models": list(upstream.models),
        "prefix": upstream.prefix,
        "strategy": upstream.strategy,
        "capabilities": sorted(upstream.capabilities),
        "credentials": view.credentials,
        "usable_credentials": view.usable,
    }


def describe_check(check: UpstreamCheck) -> dict[str, object]:
    """Returns the outcome of a connection to an upstream."""
    return {"reachable": check.is_reachable, "error": check.error, "models": check.models}


def _seconds(at: float | None) -> int | None:
    return None if at is None else int(at)
