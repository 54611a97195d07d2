"""What an operator can choose, with defaults and bounds."""

import ipaddress
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from modegate.domain.loopback import is_loopback
from modegate.domain.model_map import BUILT_IN_MODELS, ModelMap


def _split(value: object) -> object:
    """A comma list from the environment; a file may have a list of its own."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number")  # noqa: TRY004 - what pydantic collects
    return value


def _key(value: object) -> object:
    """A key as headers can carry it; one from a mounted file often has a line's end behind it."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("a key has visible ASCII characters only")
    return key


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither an address nor a network") from None
    return values


def _base_url(value: str) -> str:
    """The address of an API: everything but scheme, host, port and path is somebody's mistake."""
    try:
        url = urlsplit(value)
        valid = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be like https://host:port/v1")
    if url.username or url.password:
        raise ValueError("must not hold a user or a password: a key goes into OPENAI_API_KEY")
    if url.query or url.fragment:
        raise ValueError("must not hold a query or a fragment")
    return value


def _tristate(value: object) -> object:
    return None if value == "auto" else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Milliseconds = Annotated[int, Field(ge=1, le=7 * 86_400_000), BeforeValidator(_no_boolean)]
Count = Annotated[int, Field(ge=1, le=1_000_000), BeforeValidator(_no_boolean)]
Spare = Annotated[int, Field(ge=0, le=1000), BeforeValidator(_no_boolean)]
Networks = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_networks)]
Bytes = Annotated[int, Field(ge=1024, le=1024**3)]
Key = Annotated[SecretStr, BeforeValidator(_key)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_split)]
Url = Annotated[str, AfterValidator(_base_url)]
Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]


WELL_KNOWN = {"http": 80, "https": 443}


class Settings(BaseModel):
    """Each field is a variable of the same name in upper case, and a key of the file in lower case.

    Times are milliseconds and sizes bytes, as their names say.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    port: Annotated[int, Field(ge=1, le=65535), BeforeValidator(_no_boolean)] = 3456
    host: str = "127.0.0.1"
    log_level: Literal["fatal", "error", "warn", "info", "debug", "trace", "silent"] = "info"
    log_format: Literal["json", "pretty"] = "json"

    api_key: Key | None = None
    api_keys: Keys = ()
    allow_unauthenticated: bool = False
    trusted_proxies: Networks = ()
    metrics_token: Key | None = None
    cors_allowed_origins: Names = ()
    max_body_bytes: Bytes = 1024 * 1024
    sse_keepalive_ms: Milliseconds = 15_000
    request_timeout_ms: Milliseconds = 300_000
    shutdown_timeout_ms: Milliseconds = 10_000

    anthropic_api_key: Key | None = None
    claude_path: str | None = None
    claude_tools: Names = ()
    claude_bare: Annotated[bool | None, BeforeValidator(_tristate)] = None
    claude_env_allow: Names = ()
    default_model: str = "sonnet"
    claude_process_mode: Literal["live", "oneshot"] = "live"
    claude_warm_processes: Spare = 2
    claude_live_sessions: Spare = 4
    claude_live_idle_ms: Milliseconds = 300_000
    claude_first_event_timeout_ms: Milliseconds = 30_000
    claude_silence_timeout_ms: Milliseconds = 120_000
    max_concurrent_processes: Count = 10
    pool_queue_timeout_ms: Milliseconds = 5_000

    session_ttl_ms: Milliseconds = 3_600_000
    max_session_age_ms: Milliseconds = 86_400_000
    session_cleanup_interval_ms: Milliseconds = 60_000

    rate_limit_per_ip: Count = 60
    rate_limit_per_session: Count = 10
    rate_limit_window_ms: Milliseconds = 60_000
    max_concurrent_per_key: Count = 5

    openai_api_key: Key | None = None
    openai_base_url: Url | None = None
    openai_passthrough_enabled: bool = True
    allow_client_openai_key: bool = True
    upstream_max_retries: Annotated[int, Field(ge=0, le=10)] = 2

    modegate_state_dir: Folder = Field(
        default_factory=lambda: Path(platformdirs.user_state_dir("modegate"))
    )
    models: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        self.model_map()
        if not (self.all_keys() or self.allow_unauthenticated or is_loopback(self.host)):
            raise ValueError(
                f"HOST={self.host} lets others in, and there is no key: set API_KEY, or "
                "ALLOW_UNAUTHENTICATED=true where everybody may ask"
            )
        return self

    def is_own_upstream(self) -> bool:
        """Whether requests would come back to this gateway, again and again.

        Clients are told to export `OPENAI_BASE_URL`, too, and may start it in that same shell.
        """
        url = urlsplit(self.openai_base_url or "")
        own = url.hostname == self.host.strip("[]") or is_loopback(url.hostname or "")
        return own and (url.port or WELL_KNOWN.get(url.scheme)) == self.port

    def all_keys(self) -> tuple[SecretStr, ...]:
        """`api_key` and `api_keys`, each once."""
        single = (self.api_key,) if self.api_key else ()
        return tuple(dict.fromkeys((*single, *self.api_keys)))

    def model_map(self) -> ModelMap:
        """The built-in rows, with the operator's added or in their place."""
        return ModelMap({**BUILT_IN_MODELS, **self.models}, self.default_model)
