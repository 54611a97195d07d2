"""The settings of a turn that a backend may be unable to apply."""

from enum import Enum, auto


class TurnSetting(Enum):
    """A setting; each dialect has its own names for the parameters that give it."""

    EFFORT = auto()
    MAX_TOKENS = auto()
    STOP = auto()
