"""Describes the operation of a gateway: reload, settings and draining."""

from modegate.domain import errors
from modegate.entrypoints.http.openapi.admin import EXAMPLE_TIME
from modegate.entrypoints.http.openapi.admin_operation import ACCESS, operation
from modegate.entrypoints.http.openapi.headers import REQUEST_ID
from modegate.entrypoints.http.openapi.responses import answer, json_of, refusals
from modegate.entrypoints.http.openapi.schemas.schema import (
    COUNT,
    OPTIONAL_TEXT,
    STRING,
    Schema,
    list_of,
    object_of,
)

BOOLEAN: Schema = {"type": "boolean"}
RELOADED = {
    "changed": ["upstreams.kimi.strategy"],
    "needs_restart": ["port"],
    "fixed_by_environment": ["api_key"],
    "unchanged": False,
}
CONFIG = {
    "object": "config",
    "file": "/etc/modegate/config.toml",
    "settings": [
        {"name": "port", "value": 3456, "source": "default", "reloadable": False},
        {
            "name": "api_key",
            "value": "sk-team-****7f3a",
            "source": "environment",
            "reloadable": True,
        },
    ],
    "needs_restart": ["port"],
    "fixed_by_environment": ["api_key"],
    "last_reload": {
        "at": EXAMPLE_TIME,
        "trigger": "SIGHUP",
        "outcome": "changed",
        "changed": ["upstreams.kimi.strategy"],
        "faults": [],
    },
}


def paths() -> Schema:
    """Returns the paths."""
    return {
        "/admin/reload": {"post": _reload()},
        "/admin/config": {"get": _config()},
        "/admin/drain": {
            "post": _drain("drain", "Reject new requests", on=True),
            "delete": _drain("stopDraining", "Accept requests again", on=False),
        },
    }


def schemas() -> Schema:
    """Returns the schemas."""
    setting = object_of(
        name=STRING,
        value={"description": "A secret is masked; null without a value."},
        source=STRING | {"description": "`default`, `environment`, `offline`, or the file."},
        reloadable=BOOLEAN,
    )
    last = object_of(
        at=COUNT | {"description": "Unix seconds."},
        trigger=STRING,
        outcome={"enum": ["changed", "unchanged", "invalid"]},
        changed=list_of(STRING),
        faults=list_of(STRING),
    )
    return {
        "ReloadResult": object_of(
            changed=list_of(STRING),
            needs_restart=list_of(STRING),
            fixed_by_environment=list_of(STRING),
            unchanged=BOOLEAN,
        ),
        "Config": object_of(
            object={"const": "config"},
            file=OPTIONAL_TEXT,
            settings=list_of(setting),
            needs_restart=list_of(STRING),
            fixed_by_environment=list_of(STRING),
            last_reload={"anyOf": [last, {"type": "null"}]},
        ),
        "Draining": object_of(draining=BOOLEAN),
    }


def _reload() -> Schema:
    kinds = (*ACCESS, errors.InvalidConfigurationError)
    return operation(
        "reload",
        "Reload the configuration",
        "Reads the settings file, the key files and the login of the CLI again, and uses them for "
        "new requests in all workers. If anything is invalid, nothing changes, and the message has "
        "one line per fault. `needs_restart` and `fixed_by_environment` name what stays.",
        {
            "200": answer("What has changed.", json_of("ReloadResult", reloaded=RELOADED)),
            **refusals(kinds, always_open=True),
        },
    ) | {"parameters": [REQUEST_ID]}


def _config() -> Schema:
    return operation(
        "showConfig",
        "Show the settings",
        "With their sources, and with secrets masked. `last_reload` is that of the worker that "
        "answers; a reload without a change is known to one worker only.",
        {
            "200": answer("The settings.", json_of("Config", config=CONFIG)),
            **refusals(ACCESS, always_open=True),
        },
    ) | {"parameters": [REQUEST_ID]}


def _drain(name: str, summary: str, *, on: bool) -> Schema:
    return operation(
        name,
        summary,
        "In all workers. While draining, `/health` is 503, and responses close their connection. After "
        "`DRAIN_DELAY_MS`, requests get 503 `server_shutting_down`, and running ones finish. `/live`, `/health`, `/metrics` and the admin API answer.",
        {
            "200": answer("The state.", json_of("Draining", draining={"draining": on})),
            **refusals((*ACCESS, errors.ConfigurationError), always_open=True),
        },
    ) | {"parameters": [REQUEST_ID]}
