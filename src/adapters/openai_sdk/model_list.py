"""Parses an upstream's list of models; sans-I/O."""

import logging
from collections.abc import Mapping

from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.domain.errors.catalogue import upstream as errors

log = logging.getLogger(__name__)


def models_in(body: bytes) -> list[dict[str, object]]:
    """Returns the model objects of a list, which is the field `data` or the whole body.

    Entries without an id are omitted, because clients could not name them.

    Raises:
        UpstreamInvalidResponseError: if there is no list, or no entry is a model.
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
