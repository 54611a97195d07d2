"""The settings of a process: what it has, and whether its executable takes changes."""

from collections.abc import Mapping

from modegate.adapters.claude_cli.protocol import messages
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.turn_settings import TurnSettings
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.parameters.turn_setting import TurnSetting

DEFAULTS = TurnSettings()
# What the CLI writes only in a turn, so after its replies to the requests before the turn.
OF_TURN = frozenset({"stream_event", "assistant", "user", "result"})


class RefusedSettings:
    """Remembers the versions of the executable that take no change of settings."""

    def __init__(self) -> None:
        self._versions: set[object] = set()

    def note(self, version: object) -> None:
        """Records a version that did not take a change."""
        self._versions.add(version)

    def __contains__(self, version: object) -> bool:
        """Whether the version took no change."""
        return version in self._versions


class SettingsChannel:
    """Changes one process's settings between its turns.

    `effort` is that of the command line, for executables that take no change.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        version: object,
        refused: RefusedSettings,
        effort: Effort | None,
    ) -> None:
        self._environment = environment
        self._version = version
        self._refused = refused
        self._effort = effort
        self._has = self._wanted = DEFAULTS
        self._is_asked = False

    @property
    def ignored(self) -> tuple[TurnSetting, ...]:
        """The settings of the turn that the process does not have."""
        if self._version not in self._refused:
            return ()
        applied = {TurnSetting.EFFORT} if self._effort is self._wanted.effort else set()
        return tuple(it for it in self._wanted.given if it not in applied)

    def change(self, wanted: TurnSettings) -> bytes:
        """Returns what to write before a turn; empty if the process has the settings."""
        self._wanted = wanted
        if wanted == self._has or self._version in self._refused:
            return b""
        self._has, self._is_asked = wanted, True
        return messages.apply_settings(wanted.flags(self._environment))

    def note(self, event: Event) -> None:
        """Notes the reply to a change, or that there was none before the turn began."""
        if not self._is_asked:
            return
        reply = messages.accepts(event, messages.SETTINGS)
        if reply is None and event.get("type") not in OF_TURN:
            return
        self._is_asked = False
        if not reply:
            self._has = DEFAULTS
            self._refused.note(self._version)
