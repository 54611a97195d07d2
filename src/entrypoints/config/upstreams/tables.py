"""The tables `[upstreams.NAME]`, with the types and bounds of their values.

Faults between the values are found by `checks`.
"""

from pydantic import BaseModel, ConfigDict, Field

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
    Model,
    Name,
    Params,
    Patterns,
    Prefix,
    Seconds,
    Status,
    Time,
    UpstreamUrl,
    Variable,
    Weight,
)

STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class CredentialSettings(BaseModel):
    """A row `[[upstreams.NAME.credentials]]`; exactly one of the three keys is set."""

    model_config = STRICT

    id: Name | None = None
    key_env: Variable | None = None
    key_file: KeyFilePath | None = None
    key: Key | None = None
    weight: Weight = 1
    expires_at: Time | None = None


class ErrorRuleSettings(BaseModel):
    """A row `[[upstreams.NAME.error_rules]]`; `for_s` is in seconds."""

    model_config = STRICT

    status: Status | None = None
    contains: Contained | None = None
    then: Action | None = None
    for_s: Seconds = 60.0


class UpstreamSettings(BaseModel):
    """A table `[upstreams.NAME]`."""

    model_config = STRICT

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
    credentials: tuple[CredentialSettings, ...] = ()
    error_rules: tuple[ErrorRuleSettings, ...] = ()


Upstreams = dict[Name, UpstreamSettings]
