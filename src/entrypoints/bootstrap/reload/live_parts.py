"""The parts of a running gateway that take new settings."""

from collections.abc import Callable

from modegate.domain.configuration import Configuration
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.key_file_watch import KeyFileWatch
from modegate.entrypoints.bootstrap.session_cleaner import SessionCleaner
from modegate.entrypoints.config import adapter_options, http_options, mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.options import LiveHttpOptions
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveParts:
    """Hands new settings to each part that uses them, within one step of the event loop.

    So every request sees either all old or all new values. Requests under way keep theirs.
    """

    container: Container
    http: LiveHttpOptions
    cleaner: SessionCleaner
    key_files: KeyFileWatch
    is_offline: bool
    set_log_level: Callable[[str], None]

    def current(self) -> Configuration:
        """Returns the snapshot for new requests."""
        return self.container.memory_configuration().current()

    def login_changed_at(self) -> int:
        """Returns the time of the last change of Claude's login; 0 without one."""
        ask: Callable[[], int] | None = getattr(
            self.container.answer_backend(), "login_changed_at", None
        )
        return ask() if ask else 0

    def apply(self, settings: Settings, configuration: Configuration) -> None:
        """Uses the settings and the configuration made of them from now on."""
        container = self.container
        container.memory_configuration().replace(configuration)
        container.credential_pools().reload()
        self.key_files.follow(mapping.key_files(settings))
        self.http.replace(http_options.http_options(settings, offline=self.is_offline))
        self.cleaner.reconfigure(mapping.session_cleanup_interval(settings))
        container.attempts().total_s = mapping.attempts_timeout(settings)
        container.claude_credential().label = mapping.claude_key_label(settings)
        environment, descriptors = container.environment(), container.child_descriptors()
        claude = adapter_options.claude_options(settings, environment, descriptors)
        upstreams = configuration.routes.upstreams
        _reconfigure(container.answer_backend(), claude)
        _reconfigure(container.relay_backend(), adapter_options.upstream_options(settings))
        _reconfigure(container.model_lists(), upstreams, mapping.models_ttl(settings))
        container.missing_responses().ttl_s = mapping.models_ttl(settings)
        container.expire_usage().retention_days = mapping.usage_retention_days(settings)
        self.set_log_level(settings.log_level)


def _reconfigure(part: object, *values: object) -> None:
    """Hands values to a part, if it can take them: an override may have settings of its own."""
    if take := getattr(part, "reconfigure", None):
        take(*values)
