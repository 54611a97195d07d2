"""The operator's options for the Claude backend."""

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from modegate.lazy_dataclass import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaudeOptions:
    """Paths, bounds and switches; times are seconds, sizes bytes.

    `environment` is the host's; children inherit an allow-listed part of it. If `bare` is None,
    `--bare` is used exactly when there is an API key, because it accepts no login.
    `warm_models` are the CLI models with prewarmed processes from the start, until they are not
    used for a while.
    A turn that calls tools of the client is parked for `parked_patience` until their results come.
    With `eager_flush` the CLI writes its transcript before it reports the end of a turn.
    `descriptors` is the soft limit of open files for children; None keeps the gateway's own.
    """

    state: Path
    executable: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment_allow: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    bare: bool | None = None
    api_retries: int = 2
    own_wait: float = 5.0
    cuts_at_limit: bool = False
    shows_reasoning: bool = False
    oneshot: bool = False
    eager_flush: bool = False
    warm_processes: int = 2
    warm_models: tuple[str, ...] = ()
    live_sessions: int = 4
    live_idle: float = 300.0
    parked_turns: int = 8
    parked_patience: float = 600.0
    max_tool_result_chars: int = 500_000
    slots: int = 10
    queue_timeout: float = 5.0
    turn_timeout: float = 300.0
    first_event_timeout: float = 30.0
    silence_timeout: float = 120.0
    grace: float = 5.0
    stdout_limit: int = 10 * MIB
    stderr_limit: int = 1 * MIB
    descriptors: int | None = None

    @property
    def live_places(self) -> int:
        """The number of sessions that keep their process."""
        return 0 if self.oneshot else self.live_sessions

    @property
    def warm_places(self) -> int:
        """The number of prewarmed processes per model."""
        return 0 if self.oneshot else self.warm_processes

    @property
    def of_processes(self) -> tuple[object, ...]:
        """What a process is started with: one with other values is outdated."""
        return self.executable, self.environment, self.environment_allow, self.tools, self.bare

    @property
    def uses_bare(self) -> bool:
        """Whether children run with `--bare`."""
        if self.bare is None:
            return bool(self.environment.get("ANTHROPIC_API_KEY"))
        return self.bare
