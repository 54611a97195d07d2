"""Maps settings to values of the domain."""

from modegate.domain.access.client import ApiKey, KeyRing
from modegate.domain.quota import Limit
from modegate.domain.session import SessionPolicy
from modegate.entrypoints.config.settings import Settings


def session_policy(settings: Settings) -> SessionPolicy:
    """Returns the lifetime of sessions."""
    return SessionPolicy(
        idle=settings.session_ttl_ms / 1000, age=settings.max_session_age_ms / 1000
    )


def key_ring(settings: Settings) -> KeyRing:
    """Returns the keys of the clients."""
    return KeyRing(ApiKey(key.get_secret_value()) for key in settings.all_keys())


def per_address(settings: Settings) -> Limit:
    """Returns the rate limit of an address."""
    return Limit("address", settings.rate_limit_per_ip, settings.rate_limit_window_ms / 1000)


def per_session(settings: Settings) -> Limit:
    """Returns the rate limit of a session."""
    return Limit("session", settings.rate_limit_per_session, settings.rate_limit_window_ms / 1000)
