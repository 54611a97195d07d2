"""The errors that the client raises. Their texts name no host, header or credential."""


class HttpClientError(Exception):
    """A request failed."""


class InvalidRequestError(HttpClientError, ValueError):
    """The request cannot be encoded: a part of it could end a line or start another request."""


class ConnectError(HttpClientError):
    """No connection could be opened, so nothing of the request was sent."""


class ClosedError(ConnectError):
    """The client was closed."""


class DisconnectedError(HttpClientError):
    """The connection ended before the first byte of an answer."""


class InvalidResponseError(HttpClientError):
    """An answer has begun, and is malformed, exceeds a limit, or ended too early."""


class ResponseTimeoutError(HttpClientError, TimeoutError):
    """The answer did not arrive within a time bound."""
