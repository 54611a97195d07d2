"""The bound on a client's tools, as they came."""

from modegate.dialects.json_members import sizes_of
from modegate.domain.errors.catalogue import tools as errors
from modegate.domain.tools.checks import MAX_TOOLS_BYTES

FIELDS = ("tools", "functions")


def check_tools_size(content: bytes) -> None:
    """Checks the size of the tools in the JSON of a request, in every dialect.

    Raises:
        InvalidRequestError: if they have more than 512 KiB.
    """
    if len(content) <= MAX_TOOLS_BYTES:
        return
    for field, size in sizes_of(content, FIELDS).items():
        if size > MAX_TOOLS_BYTES:
            raise errors.too_large(field, MAX_TOOLS_BYTES)
