"""The bounds and rules of a client's tools, whichever dialect describes them.

`where` is the path to a tool or to one of its values, such as `tools[0].function`.
"""

import re
from collections.abc import Iterable, Mapping

from modegate.domain.errors.catalogue import parameters
from modegate.domain.errors.catalogue import tools as errors
from modegate.domain.tools.client_tool import ClientTool

MAX_TOOLS = 128
MAX_TOOLS_BYTES = 512 * 1024
MAX_NAME_CHARACTERS = 64
MAX_SCHEMA_LEVELS = 100
# OpenAI's pattern, and the dots that MCP servers and older clients use.
NAME = re.compile(r"[A-Za-z0-9_.-]+")


def check_name(value: object, where: str, most: int = MAX_NAME_CHARACTERS) -> str:
    """Returns the name of a tool.

    Raises:
        MissingParameterError: if it is absent.
        InvalidRequestError: if it is not a string, too long, or has other characters.
    """
    if value is None:
        raise errors.no_name(where)
    if not isinstance(value, str):
        raise parameters.wrong_type(where, "a string")
    if not NAME.fullmatch(value) or len(value) > most:
        raise errors.wrong_name(where, most)
    return value


def check_description(value: object, where: str) -> str:
    """Returns the description of a tool; null is an empty one.

    Raises:
        InvalidRequestError: if it is not a string.
    """
    if not isinstance(value, str | None):
        raise parameters.wrong_type(where, "a string")
    return value or ""


def check_schema(value: object, where: str) -> Mapping[str, object]:
    """Returns the schema of a tool's arguments; null is an empty one.

    Raises:
        InvalidRequestError: if it is not an object, or nested deeper than 100 levels.
    """
    if not isinstance(value, Mapping | None):
        raise parameters.wrong_type(where, "an object: a JSON Schema")
    if _levels_exceed(value, MAX_SCHEMA_LEVELS):
        raise errors.schema_too_deep(where, MAX_SCHEMA_LEVELS)
    return value or {}


def check_strict(value: object, where: str) -> bool | None:
    """Returns whether arguments must match the schema; None if the client does not say.

    Raises:
        InvalidRequestError: if it is not a boolean.
    """
    if not isinstance(value, bool | None):
        raise parameters.wrong_type(where, "true or false")
    return value


def check_count(tools: list[object], field: str) -> None:
    """Checks the number of tools.

    Raises:
        InvalidRequestError: if there are more than 128.
    """
    if len(tools) > MAX_TOOLS:
        raise errors.too_many(field, MAX_TOOLS, len(tools))


def check_unique(tools: Iterable[ClientTool], field: str) -> None:
    """Checks that no two tools have one name.

    Raises:
        InvalidRequestError: if two have.
    """
    names: set[str] = set()
    for tool in tools:
        if tool.name in names:
            raise errors.name_twice(field, tool.name)
        names.add(tool.name)


def _levels_exceed(value: object, most: int) -> bool:
    """Returns whether a JSON value is nested deeper; a loop, because clients control the depth."""
    level = [value]
    for _ in range(most):
        level = [inner for it in level for inner in _members(it)]
        if not level:
            return False
    return True


def _members(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
