"""Text that can be written as UTF-8."""


def whole(text: str) -> str:
    """No half of a character, which JSON may hold: two that meet are one, and one alone is a `?`."""
    try:
        text.encode()
    except UnicodeEncodeError:
        met = text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        return met.encode(errors="replace").decode()
    return text
