"""Which stored transcript belongs to a session."""

from modegate.lazy_dataclass import dataclass

SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class Version:
    """A conversation's checksum, and the list that it is stored in."""

    part: str
    checksum: str

    def __str__(self) -> str:
        """Returns the form in which the session's record names it."""
        return f"{self.part}{SEPARATOR}{self.checksum}"

    @classmethod
    def parse(cls, text: str) -> "Version":
        """Reads what `str` returns."""
        part, _, checksum = text.partition(SEPARATOR)
        return cls(part, checksum)
