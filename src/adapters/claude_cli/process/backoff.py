"""Exponential backoff."""

# More doublings overflow a float; every pause has reached its maximum by then.
MOST_DOUBLINGS = 32


def backoff(first: float, longest: float, failures: int) -> float:
    """Returns `first` doubled once per consecutive failure, up to `longest`; all in seconds."""
    return min(first * 2.0 ** min(failures, MOST_DOUBLINGS), longest)
