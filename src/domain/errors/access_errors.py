"""Errors of authentication."""

from typing import Unpack

from modegate.domain.errors.gateway_error import Details, GatewayError


class AccessError(GatewayError):
    """Authentication failed."""

    code = "invalid_api_key"
    is_repeatable = False


class MissingKeyError(AccessError):
    """The request has no API key."""

    code = "missing_api_key"


class InvalidKeyError(AccessError):
    """The request has an invalid API key; `label` is that key, masked for the log."""

    code = "invalid_api_key"

    def __init__(
        self, problem: str, *, label: str | None = None, **details: Unpack[Details]
    ) -> None:
        super().__init__(problem, **details)
        self.label = label
