"""The format that a client requires of an answer."""

from collections.abc import Mapping
from dataclasses import field

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """A JSON document that is valid against `schema`; by default any object.

    `where` is the path to the field of the request that holds it. `name`, `description` and `strict`
    are the client's own, for an API that has them; every answer is valid, strict or not. `requests` are the most that the
    model may take for it; None without a bound of its own.
    """

    schema: Mapping[str, object] = field(default_factory=lambda: {"type": "object"}, repr=False)
    where: str = field(default="response_format", compare=False)
    requests: int | None = None
    name: str = field(default="", compare=False)
    description: str = field(default="", compare=False, repr=False)
    strict: bool | None = field(default=None, compare=False)
