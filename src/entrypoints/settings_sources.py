"""Where the settings come from: the environment, a file, the defaults; in this order."""

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr, ValidationError

from modegate.domain.client import mask
from modegate.entrypoints.settings import Settings
from modegate.entrypoints.settings_faults import fault_lines

OWN_PREFIX = "MODEGATE_"
FILE_VARIABLE = "MODEGATE_CONFIG"
CLIENT_KEY_VARIABLE = "MODEGATE_KEY"  # of `modegate chat`: no setting of the gateway
FROM_ENVIRONMENT = "environment"
BY_DEFAULT = "default"
# Tables have no form in the environment.
ONLY_IN_FILE = frozenset({"models"})
NAMES = frozenset(Settings.model_fields)


class SettingsError(Exception):
    """The settings cannot be used; `faults` names every reason."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class LoadedSettings:
    """Settings, and where each of them comes from."""

    settings: Settings
    sources: Mapping[str, str]

    def describe(self) -> Iterator[str]:
        """One line a setting; secrets are masked."""
        for name, value in self.settings:
            shown = "auto" if name == "claude_bare" and value is None else _shown(value)
            yield f"{name} = {shown}  ({self.sources.get(name, BY_DEFAULT)})"


def load_settings(
    environment: Mapping[str, str] = os.environ, file: str | None = None
) -> LoadedSettings:
    """Read the settings; `file` is the one named on the command line.

    Raises:
        SettingsError: a named file is missing, or a value or a name is wrong; all faults at once.
    """
    path = _find_file(environment, file)
    from_file = _read(path) if path else {}
    from_environment = {
        name: environment[name.upper()]
        for name in NAMES - ONLY_IN_FILE
        if environment.get(name.upper())
    }
    sources = {name: str(path) for name in from_file} | dict.fromkeys(
        from_environment, FROM_ENVIRONMENT
    )
    faults = [*_unknown_variables(environment), *_unknown_keys(from_file, path)]
    known = {name: value for name, value in from_file.items() if name in NAMES}
    values = known | from_environment
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        shown = {name: (_written(name, source), source) for name, source in sources.items()}
        raise SettingsError([*faults, *fault_lines(error, values, shown)]) from None
    if faults:
        raise SettingsError(faults)
    return LoadedSettings(settings, sources)


def _find_file(environment: Mapping[str, str], named: str | None) -> Path | None:
    if named := named or environment.get(FILE_VARIABLE):
        return Path(named)
    candidates = (
        Path("modegate.toml"),
        *_of_user(environment),
        Path("/etc/modegate/config.toml"),
        Path("/config/modegate.toml"),
    )
    return next((path for path in candidates if _is_file(path)), None)


def _of_user(environment: Mapping[str, str]) -> Iterator[Path]:
    with suppress(RuntimeError):  # a service's account may have no home folder
        home = environment.get("XDG_CONFIG_HOME") or Path("~/.config").expanduser()
        yield Path(home, "modegate", "config.toml")


def _is_file(path: Path) -> bool:
    """Whether there is one; what lies in a folder of somebody else's is not for us."""
    try:
        return path.is_file()
    except PermissionError:
        return False


def _read(path: Path) -> dict[str, object]:
    """What the file says, whatever kind of file can be read: a pipe as well."""
    try:
        return {name.lower(): value for name, value in tomllib.loads(path.read_text()).items()}
    except FileNotFoundError:
        raise SettingsError([f"the configuration file {path} does not exist"]) from None
    except IsADirectoryError:
        raise SettingsError([f"the configuration file {path} is a folder"]) from None
    except OSError as error:
        raise SettingsError([f"{path} cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{path} cannot be read: it is not UTF-8"]) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{path} is not valid TOML: {error}"]) from None


def _unknown_variables(environment: Mapping[str, str]) -> Iterator[str]:
    known = {FILE_VARIABLE, CLIENT_KEY_VARIABLE} | {
        name.upper() for name in NAMES if name.startswith("modegate_")
    }
    for name in sorted(environment):
        if name.startswith(OWN_PREFIX) and name not in known:
            yield f"{name}: unknown variable{_nearest(name, known)}"


def _unknown_keys(from_file: Mapping[str, object], path: Path | None) -> Iterator[str]:
    for name in from_file:
        if name not in NAMES:
            yield f"{name}: unknown key in {path}{_nearest(name, NAMES)}"


def _nearest(name: str, known: frozenset[str] | set[str]) -> str:
    nearest = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {nearest[0]}?" if nearest else ""


def _written(name: str, source: str) -> str:
    return name.upper() if source == FROM_ENVIRONMENT else name


def _shown(value: object) -> str:
    match value:
        case SecretStr():
            return mask(value.get_secret_value())
        case tuple():
            return ", ".join(map(_shown, value)) or "-"
        case dict():
            return ", ".join(f"{name}={row}" for name, row in value.items()) or "-"
        case None:
            return "-"
        case bool():
            return str(value).lower()
        case _:
            return str(value)
