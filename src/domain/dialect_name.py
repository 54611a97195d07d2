"""The dialects in which clients speak to the gateway."""

from enum import StrEnum


class DialectName(StrEnum):
    """A dialect: the wire format of requests, answers and errors of some endpoints."""

    CHAT = "chat"
    RESPONSES = "responses"
    MESSAGES = "messages"
