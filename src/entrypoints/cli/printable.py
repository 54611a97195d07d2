"""Text from elsewhere, made fit for a terminal."""

SAFE_CONTROLS = "\n\t"
CONTROLS = {n: None for n in (*range(32), *range(127, 160)) if chr(n) not in SAFE_CONTROLS}
LONGEST = 600


def strip_control_characters(text: str) -> str:
    """Removes control characters, except newlines and tabs."""
    return text.translate(CONTROLS)


def one_line(text: str) -> str:
    """Returns the text as one line of at most `LONGEST` characters, without control characters."""
    line = " ".join(strip_control_characters(text).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
