"""Text that can be encoded as UTF-8."""


def replace_lone_surrogates(text: str) -> str:
    """Joins UTF-16 surrogate pairs and replaces lone surrogates with `?`.

    JSON may contain lone surrogates, which cannot be encoded as UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        met = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return met.encode(errors="replace").decode()
    return text


class PairJoiner:
    """Joins the pieces of a text that may be cut inside a surrogate pair."""

    def __init__(self) -> None:
        self._half = ""  # a high surrogate whose low half comes with the next piece

    def join(self, piece: str) -> str:
        """Returns what can be encoded after `piece`; may be empty."""
        whole = self._half + piece
        self._half = whole[-1:] if "\ud800" <= whole[-1:] <= "\udbff" else ""
        return replace_lone_surrogates(whole.removesuffix(self._half))

    def drop(self) -> None:
        """Forgets a half that has come."""
        self._half = ""
