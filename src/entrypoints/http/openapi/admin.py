"""Describes the admin API."""

from modegate.domain import errors
from modegate.domain.credentials.selection import Strategy
from modegate.domain.credentials.state import CredentialStatus
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.upstream import OPENAI, UpstreamKind
from modegate.entrypoints.http.openapi import admin_usage
from modegate.entrypoints.http.openapi.admin_operation import ACCESS, operation
from modegate.entrypoints.http.openapi.headers import REQUEST_ID
from modegate.entrypoints.http.openapi.responses import JSON, answer, json_of, refusals
from modegate.entrypoints.http.openapi.schemas.schema import (
    COUNT,
    OPTIONAL_TEXT,
    STRING,
    Schema,
    list_of,
    object_of,
    ref,
)

EXAMPLE_TIME = 1_767_268_800  # 2026-01-01, in Unix seconds
OPTIONAL_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
OPTIONAL_TIME = OPTIONAL_COUNT | {"description": "Unix seconds; null if unknown."}
CREDENTIAL_ID: Schema = {
    "name": "credential_id",
    "in": "path",
    "required": True,
    "description": "The credential's id, or `claude` for the login or key of Claude Code.",
    "schema": STRING,
    "example": "team-a",
}
CHECK: Schema = {
    "name": "check",
    "in": "query",
    "description": "`true`: ask each upstream for its models.",
    "schema": {"type": "boolean"},
}
CREDENTIAL = {
    "id": "team-a",
    "upstream": OPENAI,
    "key": "sk-team-****7f3a",
    "state": "cooling",
    "reason": "rate limit",
    "since": EXAMPLE_TIME,
    "next_retry_at": EXAMPLE_TIME + 20,
    "last_ok_at": EXAMPLE_TIME - 5,
    "last_error": {"status": 429, "code": "upstream_error", "at": EXAMPLE_TIME},
    "requests": 120,
    "failures": 1,
}
UPSTREAM = {
    "name": OPENAI,
    "kind": "openai",
    "default": True,
    "models": ["gpt-*", "o*"],
    "prefix": None,
    "strategy": "fill-first",
    "capabilities": ["audio", "embeddings", "image", "text"],
    "credentials": 2,
    "usable_credentials": 1,
}


def paths() -> Schema:
    """Returns the paths of the admin API."""
    one = "/admin/credentials/{credential_id}"
    return {
        "/admin/credentials": {"get": _list_credentials()},
        one: {"parameters": [CREDENTIAL_ID, REQUEST_ID], "patch": _switch()},
        f"{one}/probe": {"parameters": [CREDENTIAL_ID, REQUEST_ID], "post": _probe()},
        "/admin/upstreams": {"get": _list_upstreams()},
        **admin_usage.paths(),
    }


def schemas() -> Schema:
    """Returns the schemas of the admin API."""
    last_error = object_of(status={"type": ["integer", "null"]}, code=STRING, at=COUNT)
    check = object_of(
        reachable={"type": ["boolean", "null"], "description": "null without a credential."},
        error=OPTIONAL_TEXT,
        models=OPTIONAL_COUNT,
    )
    upstream = object_of(
        name=STRING,
        kind={"enum": [str(it) for it in UpstreamKind]},
        default={"type": "boolean"},
        models=list_of(STRING),
        prefix=OPTIONAL_TEXT,
        strategy={"enum": [str(it) for it in Strategy]},
        capabilities=list_of({"enum": [str(it) for it in Capability]}),
        credentials=COUNT,
        usable_credentials=COUNT,
    )
    upstream["properties"]["check"] = check
    credential = object_of(
        id=STRING,
        upstream=STRING,
        key=OPTIONAL_TEXT | {"description": "Masked; null if the gateway does not know it."},
        state={"enum": [str(it) for it in CredentialStatus]},
        reason=OPTIONAL_TEXT,
        since=OPTIONAL_TIME,
        next_retry_at=OPTIONAL_TIME,
        last_ok_at=OPTIONAL_TIME,
        last_error={"anyOf": [last_error, {"type": "null"}]},
        requests=COUNT | {"description": "Attempts with this credential."},
        failures=COUNT,
    )
    credential["properties"]["quota_windows"] = ref("QuotaWindows")
    return {
        "Credential": credential,
        "CredentialList": object_of(object={"const": "list"}, data=list_of(ref("Credential"))),
        "CredentialSwitch": object_of(enabled={"type": "boolean"})
        | {"additionalProperties": False},
        "Upstream": upstream,
        "UpstreamList": object_of(object={"const": "list"}, data=list_of(ref("Upstream"))),
        **admin_usage.schemas(),
    }


def security_schemes() -> Schema:
    """Returns the two ways to send an operator's key."""
    return {
        "admin_key": {"type": "http", "scheme": "bearer", "description": "ADMIN_KEY."},
        "admin_key_header": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    }


def _list_credentials() -> Schema:
    listed = {"object": "list", "data": [CREDENTIAL]}
    return operation(
        "listCredentials",
        "List the credentials",
        "Those of all upstreams, and `claude`. Reads states and asks no upstream.",
        {
            "200": answer("The credentials.", json_of("CredentialList", credentials=listed)),
            **refusals(ACCESS, always_open=True),
        },
    ) | {"parameters": [REQUEST_ID]}


def _switch() -> Schema:
    body = json_of("CredentialSwitch", disable={"enabled": False}, enable={"enabled": True})
    kinds = (
        *ACCESS,
        errors.CredentialNotFoundError,
        errors.PayloadTooLargeError,
        errors.UnsupportedMediaTypeError,
        errors.StorageError,
    )
    return operation(
        "switchCredential",
        "Enable or disable a credential",
        "The next request obeys, and running ones finish. The change survives a restart. Enabling "
        "ends a cool-down. After `storage_unavailable`, the change holds until the next restart.",
        {
            "200": answer("The credential.", json_of("Credential", credential=CREDENTIAL)),
            **refusals(kinds, always_open=True),
        },
    ) | {"requestBody": {"required": True, "content": {JSON: body[JSON]}}}


def _probe() -> Schema:
    return operation(
        "probeCredential",
        "Probe a credential",
        "Asks the upstream for its models with this credential, or Claude Code for one word. A "
        "probe that is running is shared. A good answer ends a cool-down; a disabled credential "
        "stays disabled.",
        {
            "200": answer("The credential.", json_of("Credential", credential=CREDENTIAL)),
            **refusals((*ACCESS, errors.CredentialNotFoundError), always_open=True),
        },
    )


def _list_upstreams() -> Schema:
    listed = {"object": "list", "data": [UPSTREAM]}
    return operation(
        "listUpstreams",
        "List the upstreams",
        "With their models, their strategy, and the number of usable credentials.",
        {
            "200": answer("The upstreams.", json_of("UpstreamList", upstreams=listed)),
            **refusals(ACCESS, always_open=True),
        },
    ) | {"parameters": [CHECK, REQUEST_ID]}
