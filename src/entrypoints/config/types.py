"""The types of settings, with their validation."""

import ipaddress
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

from modegate.domain.store_address import parse_store_address
from modegate.entrypoints.config.value_cleaning import text_fault

LONGEST_KEY = 8192
LONGEST_URL = 2048
# These must be percent-encoded in a URL.
NOT_IN_URL = re.compile(r"""[\s"'<>\\^`{|}]""")
HOST = re.compile(r"[\w.-]+|\[?[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]?")
FOUR_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
VARIABLE = re.compile(r"[^\s=,]+")
LEDGER = re.compile(r"postgres(?:ql)?://[^\s\x00]+")
FOLDER_SCHEME, BUCKET_SCHEME = "file", "s3"
ANY_ORIGIN = "*"
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
BY_ITSELF = re.compile(r"^(http://.*):80$|^(https://.*):443$")

UPSTREAM_PATH = re.compile(r"/v1(?:/(?!\.+(?:/|$))[\w.~-]+)+(?:/\*)?", re.ASCII)
SERVED_PATH = re.compile(
    r"/v1/(?:(?:models|sessions)(?:/|$)|chat(?:/\*)?$|chat/completions$"
    r"|(?:responses|images|audio)(?:/\*)?$)"
)


def _split(value: object) -> object:
    """Splits a comma-separated list; a list from the file is unchanged."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("int_type", "must be a whole number")
    return value


def _text(value: str) -> str:
    if fault := text_fault(value):
        raise ValueError(fault)
    return value


def header_key(value: object) -> object:
    """Validates a key for use in a header; strips the newline that mounted files often end with."""
    if not isinstance(value, str):
        return value
    key = value.strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ValueError("must have visible ASCII characters only")
    if len(key) > LONGEST_KEY:
        raise ValueError(f"must have at most {LONGEST_KEY} characters")
    return _text(key)


def _host(value: str) -> str:
    """Validates a host as a name or an address for `getaddrinfo` and the HTTP libraries."""
    if not (HOST.fullmatch(value) and _is_resolvable(value)):
        raise ValueError("must be the name or the address of a host, with no scheme and no port")
    return value


def _host_patterns(values: tuple[str, ...]) -> tuple[str, ...]:
    """Returns names or addresses of hosts in lower case; `*.` at the start stands for any names."""
    for value in values:
        try:
            _host(value.removeprefix("*."))
        except ValueError:
            raise ValueError(f"{value!r} is not a host like example.com or *.example.com") from None
    return tuple(value.lower().strip("[]") for value in values)


def _is_resolvable(host: str) -> bool:
    try:
        if ":" in host:
            ipaddress.IPv6Address(host.strip("[]"))
        elif FOUR_NUMBERS.fullmatch(host):
            ipaddress.IPv4Address(host)
        else:  # IDNA rejects empty and too long labels, and changes letters that are not normalised
            known_as = host.encode("idna").decode("idna")
            return host.isascii() or known_as.lower() == host.lower()
    except ValueError:  # includes UnicodeError
        return False
    return True


def _variables(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not VARIABLE.fullmatch(value):
            raise ValueError(f"{value!r} is not the name of a variable")
    return values


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            ipaddress.ip_network(value)
        except ValueError:
            raise ValueError(f"{value!r} is neither an address nor a network") from None
    return values


def base_url(value: str, key_in: str = "OPENAI_API_KEY") -> str:
    """Returns the base URL of an API if it has only a scheme, host, port and path.

    `key_in` names the place of the key, for the error.

    Raises:
        ValueError: the URL is invalid, or has other parts.
    """
    try:
        url = urlsplit(value)
        valid = url.scheme in ("http", "https") and url.hostname and url.port != 0
        valid = valid and bool(_host(url.hostname or "")) and not NOT_IN_URL.search(value)
    except ValueError:
        valid = False
    if not valid or len(value) > LONGEST_URL:
        raise ValueError("must be like https://host:port/v1")
    if url.username or url.password:
        raise ValueError(f"must not hold a user or a password: a key goes into {key_in}")
    if url.query or url.fragment:
        raise ValueError("must not hold a query or a fragment")
    return value


def _url(value: str) -> str:
    return base_url(value)


def _store_url(value: SecretStr) -> SecretStr:
    """Validates the address of the store; it is a secret, because it may hold a password."""
    parse_store_address(value.get_secret_value())
    return value


def _ledger_url(value: SecretStr) -> SecretStr:
    """Validates the address of the ledger's database, which the database's own client parses."""
    if not LEDGER.fullmatch(value.get_secret_value()):
        raise ValueError("must be like postgresql://user:password@host:5432/database")
    return value


def _transcripts_url(value: str) -> str:
    """Validates where transcripts are stored: a folder of this machine, or a bucket."""
    url = urlsplit(value)
    is_folder = url.scheme == FOLDER_SCHEME and not url.netloc and url.path.strip("/")
    is_bucket = url.scheme == BUCKET_SCHEME and url.netloc and "@" not in url.netloc
    if not (is_folder or is_bucket) or url.query or url.fragment:
        raise ValueError("must be like file:///srv/transcripts or s3://bucket/prefix")
    if is_bucket and find_spec("obstore") is None:
        raise ValueError('needs obstore: pip install "modegate[s3]"')
    return value


def _origins(values: tuple[str, ...]) -> tuple[str, ...]:
    """Returns origins as browsers send them: in lower case, without the default port."""
    lowered = tuple(value.lower() for value in values)
    if not all(value == ANY_ORIGIN or ORIGIN.fullmatch(value) for value in lowered):
        raise ValueError("must be like https://example.com, with no path and no / behind; or *")
    return tuple(BY_ITSELF.sub(r"\1\2", value) for value in lowered)


def _paths(values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        if not UPSTREAM_PATH.fullmatch(value):
            raise ValueError(f"{value!r} is not a path like /v1/fine_tuning/*")
        if SERVED_PATH.match(value):
            raise ValueError(f"{value!r} is answered by the gateway itself")
    return values


def _folder(path: Path) -> Path:
    _text(str(path))
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
SPLIT = BeforeValidator(_split)
Port = Annotated[int, Field(ge=1, le=65535), Number]
Retries = Annotated[int, Field(ge=0, le=10), Number]
Switch = Annotated[bool | None, BeforeValidator(_tristate)]
Text = Annotated[str, AfterValidator(_text)]
Host = Annotated[Text, AfterValidator(_host)]
Names = Annotated[tuple[Text, ...], SPLIT]
HostPatterns = Annotated[Names, AfterValidator(_host_patterns)]
Variables = Annotated[Names, AfterValidator(_variables)]
Milliseconds = Annotated[int, Field(ge=1, le=7 * 86_400_000), Number]
Delay = Annotated[int, Field(ge=0, le=86_400_000), Number]
Count = Annotated[int, Field(ge=1, le=1_000_000), Number]
Spare = Annotated[int, Field(ge=0, le=1000), Number]
Networks = Annotated[tuple[Text, ...], SPLIT, AfterValidator(_networks)]
Days = Annotated[int, Field(ge=0, le=3650), Number]
Retention = Annotated[int, Field(ge=1, le=36_500), Number]
Bytes = Annotated[int, Field(ge=1024, le=1024**3), Number]
UploadBytes = Annotated[int, Field(ge=1024, le=64 * 1024**3), Number]
Paths = Annotated[tuple[Text, ...], SPLIT, AfterValidator(_paths)]
Key = Annotated[SecretStr, BeforeValidator(header_key)]
Keys = Annotated[tuple[Key, ...], SPLIT]
Url = Annotated[Text, AfterValidator(_url)]
StoreUrl = Annotated[SecretStr, AfterValidator(_store_url)]
LedgerUrl = Annotated[SecretStr, AfterValidator(_ledger_url)]
TranscriptsUrl = Annotated[Text, AfterValidator(_transcripts_url)]
Origins = Annotated[tuple[Text, ...], SPLIT, AfterValidator(_origins)]
ForwardingHeader = Annotated[
    Literal["auto", "x-forwarded-for", "forwarded"], BeforeValidator(_lower_case)
]
Folder = Annotated[Path, AfterValidator(_folder)]
