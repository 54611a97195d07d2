"""Where transcripts are stored."""

from enum import Enum, auto

from modegate.lazy_dataclass import dataclass


class ArchiveKind(Enum):
    """The places for transcripts."""

    NONE = auto()  # they stay in the state folder
    STORE = auto()  # the store that gateways share
    FOLDER = auto()
    BUCKET = auto()


@dataclass(frozen=True, slots=True)
class ArchivePlace:
    """A place, its address if it has one, and the seconds after which a store forgets."""

    kind: ArchiveKind
    url: str
    keep_s: float
