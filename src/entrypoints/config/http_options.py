"""Maps the settings to options of the HTTP interface and the server."""

from importlib.metadata import version

from modegate.domain.access.api_key import ApiKey
from modegate.domain.configuration import MINUTE_S
from modegate.domain.quota import Limit
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.admin.options import AdminOptions
from modegate.entrypoints.http.messages.request_target import VERSION
from modegate.entrypoints.http.options import HttpOptions
from modegate.entrypoints.http.resources.relayed import RelayOptions
from modegate.entrypoints.http.server.options import ServerOptions


def admin_options(settings: Settings) -> AdminOptions:
    """Returns the options of the admin API."""
    return AdminOptions(
        keys=tuple(ApiKey(key.get_secret_value()) for key in settings.all_admin_keys()),
        failures=Limit("admin_failures", settings.admin_failures_per_minute, MINUTE_S),
    )


def http_options(settings: Settings, *, offline: bool) -> HttpOptions:
    """Returns the options of the HTTP interface."""
    token = settings.metrics_token
    return HttpOptions(
        version=version("modegate"),
        max_body=settings.max_body_bytes,
        max_media=mapping.media_policy(settings).encoded_bytes,
        keep_alive=settings.sse_keepalive_ms / 1000,
        drain_delay=settings.drain_delay_ms / 1000,
        cors_origins=settings.cors_allowed_origins,
        trusted_proxies=settings.trusted_proxies,
        forwarded_header=settings.forwarded_header,
        offline=offline,
        relaying=RelayOptions(
            max_json=settings.max_json_bytes,
            max_upload=settings.max_upload_bytes,
            patterns=[path.removeprefix(VERSION) for path in settings.upstream_paths],
            keep_alive=settings.sse_keepalive_ms / 1000,
        ),
        metrics_token=token.get_secret_value() if token else None,
        admin=admin_options(settings),
    )


def server_options(settings: Settings) -> ServerOptions:
    """Returns the options of the server."""
    return ServerOptions(
        host=settings.host.strip("[]"),
        port=settings.port,
        keep_alive=settings.keep_alive_timeout_ms / 1000,
        shutdown_timeout=settings.shutdown_timeout_ms / 1000,
    )
