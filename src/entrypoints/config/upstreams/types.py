"""The types of values in the tables of upstreams, with their validation."""

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from modegate.domain.routing.mode import FALSY, TRUTHY
from modegate.entrypoints.config.types import SPLIT, Number, Text, base_url
from modegate.entrypoints.config.value_cleaning import text_fault

PATTERN_MARK = "*"
# Names stand in paths, headers, logs and labels of metrics.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")
AUTHORIZATION = "authorization"
# The HTTP client sets these; another value would break the framing or the decoding of answers.
OF_THE_CLIENT = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# Without these a request says nothing, or its answer comes in another form than was asked for.
KEPT_PARAMS = frozenset({"messages", "model", "stream"})
AUTO = "auto"
MAX_COOL_DOWN_S = 7 * 86_400


def _name(value: str) -> str:
    if not NAME.fullmatch(value):
        raise ValueError(
            "must have letters, digits, dots, hyphens and underscores only, at most 64, and begin "
            "with a letter or a digit"
        )
    return value


def _model(value: str) -> str:
    if not value:
        raise ValueError("must not be empty")
    if PATTERN_MARK in value:
        raise ValueError("must be an exact name, without *")
    return value


def pattern(value: str) -> str:
    """Returns a model's name, or the beginning of one with a `*` at its end.

    Raises:
        ValueError: there is a `*` elsewhere.
    """
    if PATTERN_MARK in value.removesuffix(PATTERN_MARK):
        raise ValueError("must have a * at its end only")
    return value


def _prefix(value: str) -> str:
    if "/" in value or PATTERN_MARK in value or " " in value:
        raise ValueError("must be the part before the /, without /, * and blanks")
    return value


def _url(value: str) -> str:
    return base_url(value, key_in="credentials")


def _header_name(value: str) -> str:
    if value.lower() == AUTHORIZATION:
        raise ValueError("must not be set here: it comes from the credentials")
    if value.lower() in OF_THE_CLIENT:
        raise ValueError("must not be set: it belongs to the connection")
    if not HEADER_NAME.fullmatch(value):
        raise ValueError("must be the name of a header, without blanks and colons")
    return value


def _header_value(value: str) -> str:
    if not HEADER_VALUE.fullmatch(value):
        raise ValueError("must have visible ASCII characters, and blanks within only")
    return value


def _droppable(value: str) -> str:
    if value in KEPT_PARAMS:
        raise ValueError(f"must not be {value}, which every request needs")
    return value


def _file(path: Path) -> Path:
    if fault := text_fault(str(path)):
        raise ValueError(fault)
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise ValueError("begins with a home folder, and there is none") from None


def _variable(value: str) -> str:
    if len(value.split()) != 1 or any(mark in value for mark in "=,"):
        raise ValueError("must be the name of a variable")
    return value


def _time(value: object) -> object:
    """Returns a time with its zone, written as TOML's own type or as text."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        time = None
    if not isinstance(time, datetime) or time.tzinfo is None:
        raise ValueError("must be a date, a time and a zone, like 2027-01-31T00:00:00Z")
    return time


def _switch_or_auto(value: object) -> object:
    text = value.strip().lower() if isinstance(value, str) else value
    if isinstance(text, bool) or text == AUTO:
        return text
    if not isinstance(text, str) or text not in TRUTHY | FALSY:
        raise ValueError(f"must be true, false or {AUTO}")
    return text in TRUTHY


def _seconds(value: object) -> object:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not 0 < number <= MAX_COOL_DOWN_S:
        raise ValueError(f"must be a number of seconds above 0, at most {MAX_COOL_DOWN_S}")
    return number


def _contained(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "must be text, in quotes")
    if not value.strip():
        raise ValueError("must not be empty")
    return value


Name = Annotated[Text, AfterValidator(_name)]
Model = Annotated[Text, AfterValidator(_model)]
Patterns = Annotated[tuple[Annotated[Text, AfterValidator(pattern)], ...], SPLIT]
Params = Annotated[tuple[Annotated[Text, AfterValidator(_droppable)], ...], SPLIT]
Prefix = Annotated[Text, AfterValidator(_prefix)]
UpstreamUrl = Annotated[Text, AfterValidator(_url)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str, AfterValidator(_header_value)]
Variable = Annotated[Text, AfterValidator(_variable)]
KeyFilePath = Annotated[Path, AfterValidator(_file)]
MAX_WEIGHT = 1_000_000
Weight = Annotated[int, Field(ge=1, le=MAX_WEIGHT), Number]
MaxTokens = Annotated[int, Field(ge=1, le=1_000_000), Number]
SwitchOrAuto = Annotated[bool | Literal["auto"], BeforeValidator(_switch_or_auto)]
Time = Annotated[datetime, BeforeValidator(_time)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
Status = Annotated[int, Field(ge=300, le=599), Number]
Contained = Annotated[str, BeforeValidator(_contained)]
