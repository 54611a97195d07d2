"""The inputs of the OpenAPI document."""

from collections.abc import Mapping

from modegate.domain.parameters.param_policy import Rule
from modegate.domain.routing.model_map import ModelMap
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The configuration that the document describes; `max_body` and `max_json` are in bytes."""

    version: str
    models: ModelMap
    rules: Mapping[str, Rule]
    max_body: int
    wants_key: bool
    wants_metrics_token: bool
    has_admin: bool = False
    max_json: int = 32 * 1024 * 1024
