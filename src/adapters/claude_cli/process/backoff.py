"""Pauses that grow with each failure."""

# Beyond this the power is a number that no float holds; every pause is the longest by then.
MOST_DOUBLINGS = 32


def backoff(first: float, longest: float, failures: int) -> float:
    """The pause after so many failures in a row: `first`, doubled by each, up to `longest`."""
    return min(first * 2.0 ** min(failures, MOST_DOUBLINGS), longest)
