"""Renders lists of models in the forms of OpenAI and Codex, and models in that of Anthropic; pure."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from modegate.domain.routing.listed_model import ListedModel

Object = Mapping[str, object]

# Codex takes its instructions from the list, and refuses a model without any.
CODEX_INSTRUCTIONS = "You are a coding agent. Work on the task of the user with the given tools."
CODEX_OUTPUT_BYTES = 10_000


def openai_model(model: ListedModel) -> Object:
    """Returns a model object of OpenAI's API; the upstream's other members are kept."""
    return {
        **model.details,
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owner,
        "capabilities": list(model.capabilities),
    }


def openai_list(models: Iterable[ListedModel]) -> Object:
    """Returns the list in OpenAI's form."""
    return {"object": "list", "data": [openai_model(it) for it in models]}


def anthropic_model(model: ListedModel) -> Object:
    """Returns a model object of Anthropic's API."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": str(model.details.get("display_name") or model.id),
        "created_at": datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def codex_list(models: Iterable[ListedModel]) -> Object:
    """Returns the list in the form of Codex; the limits of an upstream's model are unknown."""
    return {"models": [_codex_model(it, at) for at, it in enumerate(models)]}


def _codex_model(model: ListedModel, priority: int) -> Object:
    return {
        "slug": model.id,
        "display_name": model.id,
        "description": None,
        "default_reasoning_level": None,
        "supported_reasoning_levels": [],
        "shell_type": "shell_command",
        "visibility": "list",
        "minimal_client_version": [0, 1, 0],
        "supported_in_api": True,
        "priority": priority,
        "upgrade": None,
        "base_instructions": CODEX_INSTRUCTIONS,
        "supports_reasoning_summaries": False,
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": None,
        "truncation_policy": {"mode": "bytes", "limit": CODEX_OUTPUT_BYTES},
        "supports_parallel_tool_calls": True,
        "context_window": None,
        "reasoning_summary_format": "none",
        "experimental_supported_tools": [],
    }
