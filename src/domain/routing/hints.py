"""Hints: what an upstream's error means, and what to do, by its status and its words."""

from collections.abc import Container

from modegate.lazy_dataclass import dataclass

# Errors name their cause at their beginning, and a long body must cost no more than a short one.
SEARCHED_BYTES = 8 * 1024

PERMISSION = (
    "The upstream's key lacks a permission for this request: allow it in the provider's settings, "
    "or use another key."
)
BILLING = (
    "The upstream's account has no credit left, or a problem with its billing: add credit or fix "
    "the payment at the provider; retrying before then does not help."
)
QUOTA = (
    "The upstream's account reached a limit of requests or tokens: send less for a while, or ask "
    "the provider for a higher limit."
)
REGION = (
    "The upstream does not serve the region of this server or of the account: use an address or "
    "an account in a region that it serves."
)
MODEL_ACCESS = (
    "The upstream's account may not use this model, or the model does not exist: check its name, "
    "and allow it in the provider's settings."
)
FIREWALL = (
    "A firewall or bot protection before the upstream blocked the request: allow this server's "
    "address there, and check the upstream's address and the proxy."
)


@dataclass(frozen=True, slots=True)
class Marker:
    """One row of the table: the statuses, and words of which one must occur.

    Without words the status is enough. The words are in lower case. `in_page` requires that the
    body is a web page.
    """

    statuses: Container[int]
    hint: str
    words: tuple[bytes, ...] = ()
    in_page: bool = False

    def fits(self, status: int, start: bytes) -> bool:
        """Returns whether the row applies to a status and the start of a body in lower case."""
        if status not in self.statuses or (self.in_page and not _is_page(start)):
            return False
        return not self.words or any(word in start for word in self.words)


SUCCESS_OR_ERROR = range(200, 600)
REFUSED = frozenset({400, 403, 404, 451})
UNPAID = frozenset({400, 402, 403, 429})

# The first row that applies counts. A client can make an error 400 or 404 quote its own words, so
# only long words count there.
MARKERS = (
    Marker(
        SUCCESS_OR_ERROR,
        FIREWALL,
        (
            b"you have been blocked",
            b"attention required!",
            b"just a moment...",
            b"captcha",
            b"access denied",
            b"request blocked",
            b"request unsuccessful",  # Imperva
            b"incident id",
            b"the requested url was rejected",  # F5
            b"web application firewall",
            b"security policy",
            b"bot protection",
        ),
        in_page=True,
    ),
    Marker(frozenset({403, 406}), FIREWALL, in_page=True),
    Marker(frozenset({403, 429}), FIREWALL, (b"error code: 10",)),  # Cloudflare's plain text
    Marker(UNPAID, BILLING, (b"insufficient_quota", b"billing_hard_limit", b"billing_not_active")),
    # Google's per-minute limits name billing, too.
    Marker(
        frozenset({429}),
        QUOTA,
        (b"retrydelay", b"retry in ", b"try again in ", b"per minute", b"perminute"),
    ),
    Marker(
        UNPAID,
        BILLING,
        (
            b"credit balance",
            b"insufficient balance",
            b"insufficient credit",
            b"insufficient funds",
            b"out of credits",
            b"exceeded your current quota",
            b"billing details",
        ),
    ),
    Marker(frozenset({402}), BILLING),
    Marker(frozenset({403, 429}), BILLING, (b"billing", b"payment required", b"in arrears")),
    Marker(
        REFUSED,
        REGION,
        (
            b"unsupported_country",
            b"country, region, or territory",
            b"location is not supported",
            b"region is not supported",
            b"not available in your country",
            b"not available in your region",
            b"not available in your location",
        ),
    ),
    Marker(frozenset({451}), REGION),
    Marker(
        REFUSED,
        MODEL_ACCESS,
        (
            b"model_not_found",
            b"model not exist",
            b"does not have access to model",
            b"do not have access to the model",
            b"don't have access to the model",
            b"not have access to it",
            b"verified to use the model",
            b"model access is denied",
            b'"model: ',  # Anthropic
        ),
    ),
    Marker(
        frozenset({401}),
        PERMISSION,
        (b"insufficient permission", b"missing scopes", b"permission_denied", b"permission_error"),
    ),
    Marker(frozenset({403, 429}), QUOTA, (b"quota", b"resource_exhausted")),
    Marker(frozenset({429}), QUOTA, (b"rate limit", b"rate_limit", b"too many requests")),
    Marker(frozenset({403}), PERMISSION),
)

# Other statuses may quote a client's words, which must not put a credential out of use.
OUT_OF_QUOTA = frozenset({402, 403, 429})
REJECTED = frozenset({401, 403})
SCOPE_WORDS = (b"missing scopes", b"insufficient permissions for this operation")


def hint_for(status: int, body: bytes) -> str | None:
    """Returns what an upstream's answer means and what to do, in ASCII; None if it is unknown."""
    start = body[:SEARCHED_BYTES].lower()
    return next((marker.hint for marker in MARKERS if marker.fits(status, start)), None)


def is_out_of_quota(status: int, body: bytes) -> bool:
    """Returns whether the account has no credit left, so that waiting does not help."""
    return status in OUT_OF_QUOTA and hint_for(status, body) == BILLING


def lacks_permission(status: int, body: bytes) -> bool:
    """Returns whether the account may not do this request, but may do others."""
    if status not in REJECTED:
        return False
    start = body[:SEARCHED_BYTES].lower()
    return hint_for(status, body) == MODEL_ACCESS or any(word in start for word in SCOPE_WORDS)


def _is_page(start: bytes) -> bool:
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<!doctype html", b"<html", b"<head"))
