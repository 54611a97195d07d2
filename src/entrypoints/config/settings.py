"""The settings, with defaults and bounds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from modegate.domain.hosts import is_loopback
from modegate.domain.routing.model_map import (
    BUILT_IN_MODELS,
    DEFAULT_NAME,
    ModelMap,
    name_faults,
    row_faults,
)
from modegate.domain.routing.upstream import OPENAI
from modegate.entrypoints.config.budget_types import BudgetTable, TimeZone
from modegate.entrypoints.config.cross_field import CrossFieldError, CrossFieldValueError
from modegate.entrypoints.config.dialects import Dialects
from modegate.entrypoints.config.keys.checks import table_faults
from modegate.entrypoints.config.keys.tables import KeyTables
from modegate.entrypoints.config.prices import Prices
from modegate.entrypoints.config.types import (
    Bytes,
    Count,
    Days,
    Delay,
    Folder,
    ForwardingHeader,
    Host,
    HostPatterns,
    Key,
    Keys,
    LedgerUrl,
    Milliseconds,
    Names,
    Networks,
    Origins,
    Paths,
    Port,
    Retention,
    Retries,
    Spare,
    StoreUrl,
    Switch,
    Text,
    TranscriptsUrl,
    UploadBytes,
    Url,
    Variables,
)
from modegate.entrypoints.config.upstreams.checks import upstream_faults
from modegate.entrypoints.config.upstreams.places import written
from modegate.entrypoints.config.upstreams.tables import Upstreams
from modegate.entrypoints.config.upstreams.views import UPSTREAMS

NO_MODELS = "none"
OF_UPSTREAMS = {"openai_api_key", "openai_base_url", "default_upstream", "upstreams"}
WELL_KNOWN = {"http": 80, "https": 443}
# A server on a wildcard also listens on loopback; a client of a wildcard connects to loopback.
WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


class Settings(BaseModel):
    """All settings; each is a variable in upper case, and a key of the file in lower case.

    Times are in milliseconds (`_ms`), sizes in bytes.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True
    )

    port: Port = 3456
    host: Host = "127.0.0.1"
    log_level: Literal["fatal", "error", "warn", "info", "debug", "trace", "silent"] = "info"
    log_format: Literal["json", "pretty"] = "json"

    api_key: Key | None = None
    api_keys: Keys = ()
    keys: KeyTables = Field(default_factory=dict)
    allow_unauthenticated: bool = False
    trusted_proxies: Networks = ()
    forwarded_header: ForwardingHeader = "auto"
    keep_alive_timeout_ms: Milliseconds = 125_000
    metrics_token: Key | None = None
    admin_key: Key | None = None
    admin_keys: Keys = ()
    admin_failures_per_minute: Count = 10
    cors_allowed_origins: Origins = ()
    max_body_bytes: Bytes = 1024 * 1024
    sse_keepalive_ms: Milliseconds = 15_000
    request_timeout_ms: Milliseconds = 300_000
    shutdown_timeout_ms: Milliseconds = 10_000
    drain_delay_ms: Delay = 0

    anthropic_api_key: Key | None = None
    claude_path: Text | None = None
    claude_tools: Names = ()
    claude_client_tools: Literal["bridge", "reject"] = "bridge"
    claude_redact_tool_arguments: bool = False
    claude_bare: Switch = None
    claude_env_allow: Variables = ()
    default_model: str = "sonnet"
    default_mode: Literal["openai-passthrough", "claude-code"] = "openai-passthrough"
    dialects: Dialects = Field(default_factory=dict)
    claude_process_mode: Literal["live", "oneshot"] = "live"
    claude_warm_processes: Spare = 2
    claude_warm_models: Names = (DEFAULT_NAME,)
    claude_live_sessions: Spare = 4
    claude_live_idle_ms: Milliseconds = 300_000
    claude_parked_turns: Spare = 8
    claude_parked_ms: Milliseconds = 600_000
    claude_max_tool_result_chars: Count = 500_000
    claude_first_event_timeout_ms: Milliseconds = 30_000
    claude_silence_timeout_ms: Milliseconds = 120_000
    claude_max_own_wait_ms: Milliseconds = 5_000
    claude_cut_at_output_limit: bool = False
    claude_show_reasoning: bool = False
    claude_max_media_bytes: Bytes = 20 * 1024 * 1024
    claude_max_image_bytes: Bytes = 5 * 1024 * 1024
    media_url_hosts: HostPatterns = ()
    media_url_private_hosts: HostPatterns = ()
    claude_continue_by_history: bool = True
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
    openai_usage_in_streams: bool = True
    openai_batches: Literal["upstream", "gateway"] = "upstream"
    openai_passthrough_enabled: bool = True
    allow_client_openai_key: bool = True
    upstream_max_retries: Retries = 2
    upstream_first_byte_timeout_ms: Milliseconds | None = None
    default_upstream: Text | None = None
    upstreams: Upstreams = Field(default_factory=dict)
    cooldown_auth_ms: Milliseconds = 1_800_000
    cooldown_server_ms: Milliseconds = 60_000
    cooldown_max_ms: Milliseconds = 3_600_000
    credential_expiry_warning_days: Days = 7
    upstream_shared_state: bool = False
    upstream_paths: Paths = ()
    max_json_bytes: Bytes = 32 * 1024 * 1024
    max_upload_bytes: UploadBytes = 512 * 1024 * 1024
    models_ttl_ms: Milliseconds = 300_000
    usage_retention_days: Retention = 400
    batch_concurrency: Count = 4
    batch_retention_days: Retention = 30
    batch_max_bytes: UploadBytes = 10 * 1024**3
    budget: BudgetTable | None = None
    budget_timezone: TimeZone = "UTC"
    budget_unknown_price: Literal["refuse", "allow"] = "refuse"
    reserved_completion_tokens: Count = 1024

    modegate_state_dir: Folder = Field(
        default_factory=lambda: Path(platformdirs.user_state_dir("modegate"))
    )
    modegate_store: StoreUrl | None = None
    modegate_ledger: LedgerUrl | None = None
    modegate_transcripts: TranscriptsUrl | None = None
    store_failure_mode: Literal["closed", "local"] = "closed"
    models: dict[str, str] = Field(default_factory=dict)
    prices: Prices = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits(self) -> "Settings":
        if misfits := tuple(self.misfits()):
            raise CrossFieldValueError(misfits)
        return self

    def misfits(self) -> Iterator[CrossFieldError]:
        """Yields the errors between settings that are each valid."""
        rows = {**BUILT_IN_MODELS, **self.models}
        yield from (CrossFieldError("models", fault) for fault in row_faults(rows))
        for fault in name_faults(rows, self.default_model):
            yield CrossFieldError("default_model", fault, frozenset({"models"}))
        for fault in self._unknown_warm_models(rows):
            yield CrossFieldError("claude_warm_models", fault, frozenset({"models"}))
        yield from upstream_faults(self.model_dump(include=OF_UPSTREAMS, exclude_unset=True))
        yield from table_faults(self.keys)
        if {*self.all_keys()} & {*self.all_admin_keys()}:
            yield CrossFieldError(
                "admin_key", "is also a key of clients: choose another one", frozenset({"api_keys"})
            )
        if not (self.key_count or self.allow_unauthenticated or is_loopback(self.host)):
            yield CrossFieldError(
                "host",
                f"{self.host} lets others in, and there is no key: set API_KEY, or "
                "ALLOW_UNAUTHENTICATED=true where everybody may ask",
                frozenset({"api_key", "api_keys", "keys", "allow_unauthenticated"}),
            )

    def warm_models(self) -> tuple[str, ...]:
        """Returns the names of the models to prewarm at the start.

        `none` means no models, because an empty variable counts as absent.
        """
        return () if self.claude_warm_models == (NO_MODELS,) else self.claude_warm_models

    def _unknown_warm_models(self, rows: Mapping[str, str]) -> Iterator[str]:
        for name in self.warm_models():
            if name != DEFAULT_NAME:
                yield from name_faults({**rows, DEFAULT_NAME: self.default_model}, name)

    def used_upstreams(self) -> Upstreams:
        """Returns the tables of upstreams; none while passthrough is disabled."""
        return self.upstreams if self.openai_passthrough_enabled else {}

    def has_openai(self) -> bool:
        """Whether variables describe the upstream `openai`, or there is no other one."""
        return bool(self.openai_api_key or self.openai_base_url or not self.upstreams)

    def default_name(self) -> str:
        """Returns the name of the default upstream: `openai` if there is one, else the first."""
        names = (*((OPENAI,) if self.has_openai() else ()), *self.upstreams)
        return self.default_upstream or (OPENAI if OPENAI in names else names[0])

    def own_upstreams(self) -> Iterator[str]:
        """Yields the settings with this gateway's own address, to which requests would loop.

        This happens if the gateway is started in a shell with a client's `OPENAI_BASE_URL`.
        """
        if self._is_own(self.openai_base_url):
            yield "OPENAI_BASE_URL"
        for name, table in self.upstreams.items():
            if self._is_own(table.base_url):
                yield written((UPSTREAMS, name, "base_url"))

    def _is_own(self, base_url: str | None) -> bool:
        url = urlsplit(base_url or "")
        upstream, host = url.hostname or "", self.host.strip("[]")
        on_loopback = is_loopback(host) or host in WILDCARDS
        own = upstream == host or (on_loopback and (is_loopback(upstream) or upstream in WILDCARDS))
        return own and (url.port or WELL_KNOWN.get(url.scheme)) == self.port

    def all_keys(self) -> tuple[SecretStr, ...]:
        """Returns `api_key` and `api_keys` without duplicates."""
        single = (self.api_key,) if self.api_key else ()
        return tuple(dict.fromkeys((*single, *self.api_keys)))

    @property
    def key_count(self) -> int:
        """The number of clients' keys in the settings."""
        return len(self.all_keys()) + len(self.keys)

    def all_admin_keys(self) -> tuple[SecretStr, ...]:
        """Returns `admin_key` and `admin_keys` without duplicates."""
        single = (self.admin_key,) if self.admin_key else ()
        return tuple(dict.fromkeys((*single, *self.admin_keys)))

    def model_map(self) -> ModelMap:
        """Returns the built-in models, extended and overridden by the operator's."""
        return ModelMap({**BUILT_IN_MODELS, **self.models}, self.default_model)
