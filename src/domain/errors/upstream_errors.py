"""Errors of the upstream."""

from typing import Unpack

from modegate.domain.errors.backend_errors import BackendError
from modegate.domain.errors.gateway_error import Details
from modegate.domain.upstream_response import UpstreamResponse


class UpstreamUnreachableError(BackendError):
    """The upstream could not be connected to, or closed the connection without an answer.

    `is_transient` is False if a retry cannot succeed soon, such as when something else answered.
    """

    code = "upstream_unreachable"

    def __init__(
        self, problem: str, *, is_transient: bool = True, **details: Unpack[Details]
    ) -> None:
        super().__init__(problem, **details)
        self.is_transient = is_transient
        if not is_transient:
            self.is_repeatable = False


class UpstreamInvalidResponseError(BackendError):
    """The upstream answered, but its answer cannot be read, or is a redirect.

    `reason` is for the log: it names the fault without quoting the answer. `status` is that of the
    answer, if it is the fault.
    """

    code = "upstream_invalid_response"
    is_repeatable = False

    def __init__(
        self,
        problem: str,
        *,
        reason: str = "",
        status: int | None = None,
        **details: Unpack[Details],
    ) -> None:
        super().__init__(problem, **details)
        self.reason = reason
        self.status = status


class BadUpstreamResponseError(BackendError):
    """The upstream's answer is no JSON object, such as a web page.

    `reason` is for the log: it names the fault without quoting the answer.
    """

    code = "bad_upstream_response"
    is_repeatable = False

    def __init__(self, problem: str, *, reason: str = "", **details: Unpack[Details]) -> None:
        super().__init__(problem, **details)
        self.reason = reason


class UpstreamRefusalError(BackendError):
    """The upstream answered with an error; status, headers and body are relayed unchanged.

    `is_cut` is whether the answer ended before its body, of which nothing came.
    """

    code = "upstream_error"

    def __init__(self, response: UpstreamResponse, *, is_cut: bool = False) -> None:
        super().__init__(f"The upstream answered with status {response.status}.")
        self.response = response
        self.is_cut = is_cut
