"""The tables `[upstreams.NAME]`, with the types and bounds of their values.

Faults between the values are found by `checks`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from modegate.domain.credentials.error_rules import Action
from modegate.domain.credentials.selection import Strategy
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.upstream import UpstreamKind
from modegate.entrypoints.config.types import Key
from modegate.entrypoints.config.upstreams.types import (
    Contained,
    HeaderName,
    HeaderValue,
    KeyFilePath,
    MaxTokens,
    Model,
    Name,
    Params,
    Patterns,
    Prefix,
    Seconds,
    Status,
    SwitchOrAuto,
    Time,
    UpstreamUrl,
    Variable,
    Weight,
)
from modegate.entrypoints.config.upstreams.views import EMPTY


class Table(BaseModel):
    """A table in which empty values count as absent, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        unknown = values.keys() - cls.model_fields
        return {name: it for name, it in values.items() if name in unknown or it not in EMPTY}


class CredentialSettings(Table):
    """A row `[[upstreams.NAME.credentials]]`; exactly one of the three keys is set."""

    id: Name | None = None
    key_env: Variable | None = None
    key_file: KeyFilePath | None = None
    key: Key | None = None
    weight: Weight = 1
    expires_at: Time | None = None


class ErrorRuleSettings(Table):
    """A row `[[upstreams.NAME.error_rules]]`; `for_s` is in seconds."""

    status: Status | None = None
    contains: Contained | None = None
    then: Action | None = None
    for_s: Seconds = 60.0


class UpstreamSettings(Table):
    """A table `[upstreams.NAME]`."""

    kind: UpstreamKind = UpstreamKind.OPENAI
    base_url: UpstreamUrl | None = None
    strategy: Strategy = Strategy.FILL_FIRST
    models: Patterns = ()
    prefix: Prefix | None = None
    model_aliases: dict[Model, Model] = Field(default_factory=dict)
    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    drop_params: Params = ()
    capabilities: tuple[Capability, ...] = tuple(Capability)
    repair_tool_ids: bool = False
    usage_in_streams: bool = True
    batches: Literal["upstream", "gateway"] = "upstream"
    responses: SwitchOrAuto = "auto"
    default_max_tokens: MaxTokens = 8192
    credentials: tuple[CredentialSettings, ...] = ()
    error_rules: tuple[ErrorRuleSettings, ...] = ()


Upstreams = dict[Name, UpstreamSettings]
