"""What a gateway does while the store that it shares with others is away."""

from enum import StrEnum


class StoreFailureMode(StrEnum):
    """`CLOSED` refuses what needs the store; `LOCAL` goes on with a share of the limits."""

    CLOSED = "closed"
    LOCAL = "local"


def share_of(limit: int, gateways: int) -> int:
    """Returns one gateway's part of a limit, at least 1. All parts together are not above it.

    That is unless there are more gateways than the limit allows requests.
    """
    return max(1, limit // max(1, gateways))
