"""The tables `[keys.NAME]`; their fields are those of `POST /admin/keys`, and a secret."""

from typing import Annotated

from pydantic import PlainValidator

from modegate.application.keys import fields
from modegate.entrypoints.config.budget_types import BudgetTable
from modegate.entrypoints.config.types import Key
from modegate.entrypoints.config.upstreams.tables import Table
from modegate.entrypoints.config.upstreams.types import KeyFilePath, Name, Variable

KEYS = "keys"

Count = Annotated[int, PlainValidator(fields.read_count)]


class KeySettings(Table):
    """A table `[keys.NAME]`; exactly one of `key_env`, `key_file` and `key` is set."""

    name: Annotated[str, PlainValidator(fields.read_name)] | None = None
    key_env: Variable | None = None
    key_file: KeyFilePath | None = None
    key: Key | None = None
    models: Annotated[tuple[str, ...], PlainValidator(fields.read_models)] = ()
    modes: Annotated[tuple[str, ...], PlainValidator(fields.read_modes)] = ()
    mode: Annotated[str, PlainValidator(fields.read_mode)] | None = None
    expires_at: Annotated[float, PlainValidator(fields.read_time)] | None = None
    rpm: Count | None = None
    tpm: Count | None = None
    concurrency: Count | None = None
    budget: BudgetTable | None = None
    enabled: Annotated[bool, PlainValidator(fields.read_switch)] = True


KeyTables = dict[Name, KeySettings]
