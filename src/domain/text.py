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
