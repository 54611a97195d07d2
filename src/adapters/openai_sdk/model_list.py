"""The models of an upstream's list; without I/O."""

import logging
from collections.abc import Mapping

from modegate.adapters.openai_sdk import errors
from modegate.adapters.openai_sdk.answers.lenient_json import loads

log = logging.getLogger(__name__)


def models_in(body: bytes) -> list[dict[str, object]]:
    """The model objects of a list, which may stand in `data` or by itself.

    Entries without an id are left out: clients could not name them.

    Raises:
        UpstreamInvalidResponseError: there is no list, or nothing of it is a model.
    """
    try:
        value = loads(body)
    except ValueError as error:
        raise errors.invalid_model_list() from error
    listed = value.get("data") if isinstance(value, Mapping) else value
    if not isinstance(listed, list):
        raise errors.invalid_model_list()
    models = [entry for entry in listed if isinstance(entry, dict) and _has_id(entry)]
    if listed and not models:
        raise errors.invalid_model_list()
    if len(models) < len(listed):
        log.warning("upstream models left out: %d without an id", len(listed) - len(models))
    return models


def _has_id(entry: Mapping[str, object]) -> bool:
    return isinstance(entry.get("id"), str) and entry["id"] != ""
