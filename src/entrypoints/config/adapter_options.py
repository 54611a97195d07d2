"""Maps the settings to options of the adapters."""

from collections.abc import Mapping

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.objects.options import ArchiveKind, ArchivePlace
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.redis.options import RedisOptions
from modegate.entrypoints.config.inherited_variables import clean_inherited
from modegate.entrypoints.config.settings import Settings


def store_kind(settings: Settings) -> str:
    """Returns where shared state is kept: "redis" for several machines, else "local"."""
    return "local" if settings.modegate_store is None else "redis"


def redis_options(settings: Settings) -> RedisOptions:
    """Returns the options of the store; only for settings that name one."""
    url = settings.modegate_store
    return RedisOptions(url.get_secret_value() if url else "")


def ledger_kind(settings: Settings) -> str:
    """Returns where usage is stored: "postgres" for several machines, else "sqlite"."""
    return "sqlite" if settings.modegate_ledger is None else "postgres"


def postgres_options(settings: Settings) -> PostgresOptions:
    """Returns the options of the ledger's database; only for settings that name one."""
    url = settings.modegate_ledger
    return PostgresOptions(url.get_secret_value() if url else "")


def archive_place(settings: Settings) -> ArchivePlace:
    """Returns where transcripts of sessions are stored for other gateways."""
    keep_s = (settings.max_session_age_ms + settings.session_ttl_ms) / 1000
    if settings.modegate_transcripts is not None:
        url = settings.modegate_transcripts
        kind = ArchiveKind.FOLDER if url.startswith("file:") else ArchiveKind.BUCKET
        return ArchivePlace(kind, url, keep_s)
    kind = ArchiveKind.NONE if settings.modegate_store is None else ArchiveKind.STORE
    return ArchivePlace(kind, "", keep_s)


def claude_options(
    settings: Settings, environment: Mapping[str, str], descriptors: int | None
) -> ClaudeOptions:
    """Returns the options of the Claude adapter."""
    key = settings.anthropic_api_key
    return ClaudeOptions(
        state=settings.modegate_state_dir,
        executable=settings.claude_path,
        environment={
            **environment,
            **clean_inherited(environment).changes,
            **({"ANTHROPIC_API_KEY": key.get_secret_value()} if key else {}),
        },
        environment_allow=settings.claude_env_allow,
        tools=settings.claude_tools,
        bare=settings.claude_bare,
        oneshot=settings.claude_process_mode == "oneshot",
        warm_processes=settings.claude_warm_processes,
        warm_models=tuple(map(settings.model_map().resolve, settings.warm_models())),
        live_sessions=settings.claude_live_sessions,
        live_idle=settings.claude_live_idle_ms / 1000,
        parked_turns=settings.claude_parked_turns,
        parked_patience=settings.claude_parked_ms / 1000,
        max_tool_result_chars=settings.claude_max_tool_result_chars,
        slots=settings.max_concurrent_processes,
        queue_timeout=settings.pool_queue_timeout_ms / 1000,
        turn_timeout=settings.request_timeout_ms / 1000,
        first_event_timeout=settings.claude_first_event_timeout_ms / 1000,
        silence_timeout=settings.claude_silence_timeout_ms / 1000,
        descriptors=descriptors,
        own_wait=settings.claude_max_own_wait_ms / 1000,
        cuts_at_limit=settings.claude_cut_at_output_limit,
        shows_reasoning=settings.claude_show_reasoning,
    )


def upstream_options(settings: Settings) -> UpstreamOptions:
    """Returns the options of the upstream adapter."""
    first_byte = settings.upstream_first_byte_timeout_ms
    return UpstreamOptions(
        retries=settings.upstream_max_retries,
        timeout=settings.request_timeout_ms / 1000,
        first_byte_timeout=None if first_byte is None else first_byte / 1000,
    )
