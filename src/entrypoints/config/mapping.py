"""Maps the settings to the configuration of requests, and to the values of use cases."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.batches.limits import BatchLimits
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.verdict import Cooldowns
from modegate.domain.dialect_name import DialectName
from modegate.domain.media.policy import MediaPolicy
from modegate.domain.parameters.param_policy import (
    CLAUDE_CODE_RULES,
    WITHOUT_CLIENT_TOOLS,
    ParamPolicy,
    Rule,
)
from modegate.domain.quota import Limit
from modegate.domain.routing.mode import UNDECIDED, Mode, ModeDefaults
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import OPENAI, Upstream
from modegate.domain.session import SessionPolicy
from modegate.domain.store_failure import StoreFailureMode
from modegate.entrypoints.config.budget_types import zone_of
from modegate.entrypoints.config.keys.mapping import configured_keys
from modegate.entrypoints.config.prices import price_table
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.config.upstreams.checks import FROM_ENVIRONMENT
from modegate.entrypoints.config.upstreams.credentials import KeyFile, key_files_of
from modegate.entrypoints.config.upstreams.mapping import OPENAI_URL, upstream_of

DAY_S = 86_400.0


def configuration(
    settings: Settings, environment: Mapping[str, str] = MappingProxyType({})
) -> Configuration:
    """Returns the configuration of requests: keys, limits, routes, parameters and sessions.

    `environment` has the variables that keys and the upstreams' credentials name.

    Raises:
        SecretError: a key or a credential has no usable secret.
    """
    window = settings.rate_limit_window_ms / 1000
    return Configuration(
        keys=KeyRing(
            (ApiKey(key.get_secret_value()) for key in settings.all_keys()),
            configured_keys(settings.keys, environment),
        ),
        per_key=settings.max_concurrent_per_key,
        per_address=Limit("address", settings.rate_limit_per_ip, window),
        per_session=Limit("session", settings.rate_limit_per_session, window),
        sessions=SessionPolicy(
            idle=settings.session_ttl_ms / 1000, age=settings.max_session_age_ms / 1000
        ),
        continues_by_history=settings.claude_continue_by_history,
        routes=routes(settings, environment),
        modes=mode_defaults(settings),
        media=media_policy(settings),
        parameters=ParamPolicy(parameter_rules(settings)),
        redacts_tool_arguments=settings.claude_redact_tool_arguments,
        cooldowns=Cooldowns(
            auth_s=settings.cooldown_auth_ms / 1000,
            server_s=settings.cooldown_server_ms / 1000,
            max_s=settings.cooldown_max_ms / 1000,
        ),
        expiry_warning_s=settings.credential_expiry_warning_days * DAY_S,
        shares_state=settings.upstream_shared_state,
        budget=settings.budget,
        budget_zone=zone_of(settings.budget_timezone),
        allows_unknown_prices=settings.budget_unknown_price == "allow",
        reserved_completion_tokens=settings.reserved_completion_tokens,
        prices=price_table(settings.prices),
        batches=batch_limits(settings),
    )


def mode_defaults(settings: Settings) -> ModeDefaults:
    """Returns the modes of requests that do not say theirs."""
    tables = settings.dialects.items()
    return ModeDefaults(
        Mode(settings.default_mode),
        {name: Mode(table.mode) for name, table in tables if table.mode is not None},
    )


def chat_mode(settings: Settings) -> Mode:
    """Returns the mode of requests in chat completions that do not say theirs, by any means."""
    return mode_defaults(settings).decide(UNDECIDED, DialectName.CHAT).mode


def media_policy(settings: Settings) -> MediaPolicy:
    """Returns the bounds on images and files, and the hosts that images may be fetched from."""
    return MediaPolicy(
        max_bytes=settings.claude_max_media_bytes,
        max_image_bytes=settings.claude_max_image_bytes,
        hosts=settings.media_url_hosts,
        private_hosts=settings.media_url_private_hosts,
    )


def parameter_rules(settings: Settings) -> Mapping[str, Rule]:
    """Returns the rules of request parameters: whether Claude Code takes a client's tools."""
    return CLAUDE_CODE_RULES if settings.claude_client_tools == "bridge" else WITHOUT_CLIENT_TOOLS


def batch_limits(settings: Settings) -> BatchLimits:
    """Returns the limits of batches that the gateway runs."""
    return BatchLimits(
        concurrency=settings.batch_concurrency,
        retention_s=settings.batch_retention_days * DAY_S,
        max_bytes=settings.batch_max_bytes,
    )


def store_failure_mode(settings: Settings) -> StoreFailureMode:
    """Returns what the gateway does while its store is away."""
    return StoreFailureMode(settings.store_failure_mode)


def routes(settings: Settings, environment: Mapping[str, str] = MappingProxyType({})) -> Routes:
    """Returns the routes: Claude's models, and the upstreams unless passthrough is disabled.

    Raises:
        SecretError: a credential has no usable key.
    """
    enabled = settings.openai_passthrough_enabled
    return Routes(
        models=settings.model_map(),
        upstreams=tuple(_upstreams(settings, environment)) if enabled else (),
        clients_may_bring_keys=settings.allow_client_openai_key,
        default_upstream=settings.default_name() if enabled else None,
    )


def key_files(settings: Settings) -> tuple[KeyFile, ...]:
    """Returns the credentials whose keys are in files."""
    return key_files_of(settings.used_upstreams())


def _upstreams(settings: Settings, environment: Mapping[str, str]) -> Iterator[Upstream]:
    if settings.has_openai():
        key = settings.openai_api_key
        yield Upstream(
            name=OPENAI,
            base_url=settings.openai_base_url or OPENAI_URL,
            credentials=(Credential(FROM_ENVIRONMENT, ApiKey(key.get_secret_value())),)
            if key
            else (),
            usage_in_streams=settings.openai_usage_in_streams,
            has_batches=settings.openai_batches == "upstream",
        )
    for name, table in settings.upstreams.items():
        yield upstream_of(name, table, environment)


def claude_key_label(settings: Settings) -> str | None:
    """Returns Claude's key from the settings, masked; None for a login."""
    key = settings.anthropic_api_key
    return str(ApiKey(key.get_secret_value())) if key else None


def attempts_timeout(settings: Settings) -> float:
    """Returns the bound in seconds on all attempts of a request together."""
    return settings.request_timeout_ms / 1000


def session_cleanup_interval(settings: Settings) -> float:
    """Returns the seconds between two deletions of expired sessions."""
    return settings.session_cleanup_interval_ms / 1000


def models_ttl(settings: Settings) -> float:
    """Returns the seconds for which a list of models is kept."""
    return settings.models_ttl_ms / 1000


def usage_retention_days(settings: Settings) -> int:
    """Returns the days for which the rows of the usage ledger are kept."""
    return settings.usage_retention_days
