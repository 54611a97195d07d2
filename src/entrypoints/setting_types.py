"""The kinds of values that settings have, and what each refuses."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

ANY_ORIGIN = "*"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
BY_ITSELF = re.compile(r"^(http://.*):80$|^(https://.*):443$")


def _split(value: object) -> object:
    """A comma list from the environment; a file may have a list of its own."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


def _key(value: object) -> object:
    """A key as headers can carry it; one from a mounted file often has a line's end behind it."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("must have visible ASCII characters only")
    return key


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither an address nor a network") from None
    return values


def _base_url(value: str) -> str:
    """The address of an API: everything but scheme, host, port and path is somebody's mistake."""
    try:
        url = urlsplit(value)
        valid = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ValueError("must be like https://host:port/v1")
    if url.username or url.password:
        raise ValueError("must not hold a user or a password: a key goes into OPENAI_API_KEY")
    if url.query or url.fragment:
        raise ValueError("must not hold a query or a fragment")
    return value


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Origins as browsers send them: in lower case, and without the port that goes by itself."""
    lowered = tuple(value.lower() for value in values)
    if not all(value == ANY_ORIGIN or ORIGIN.fullmatch(value) for value in lowered):
        raise ValueError("must be like https://example.com, with no path and no / behind; or *")
    return tuple(BY_ITSELF.sub(r"\1\2", value) for value in lowered)


def _folder(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError(
            "begins with a home folder, and there is none: give a whole path, like /var/lib/modegate"
        ) from None


def _lower_case(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _tristate(value: object) -> object:
    return None if value == "auto" else value


Number = BeforeValidator(_no_boolean)
Port = Annotated[int, Field(ge=1, le=65535), Number]
Retries = Annotated[int, Field(ge=0, le=10), Number]
Switch = Annotated[bool | None, BeforeValidator(_tristate)]
Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Milliseconds = Annotated[int, Field(ge=1, le=7 * 86_400_000), Number]
Count = Annotated[int, Field(ge=1, le=1_000_000), Number]
Spare = Annotated[int, Field(ge=0, le=1000), Number]
Networks = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_networks)]
Bytes = Annotated[int, Field(ge=1024, le=1024**3), Number]
Key = Annotated[SecretStr, BeforeValidator(_key)]
Keys = Annotated[tuple[Key, ...], BeforeValidator(_split)]
Url = Annotated[str, AfterValidator(_base_url)]
Origins = Annotated[tuple[str, ...], BeforeValidator(_split), AfterValidator(_origins)]
ForwardingHeader = Annotated[
    Literal["auto", "x-forwarded-for", "forwarded"], BeforeValidator(_lower_case)
]
Folder = Annotated[Path, AfterValidator(_folder)]
