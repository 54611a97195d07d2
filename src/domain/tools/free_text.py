"""Tools that take one text, as functions with one argument; a model behind the CLI has no others."""

import json
from collections.abc import Mapping

from modegate.domain.tools.client_tool import ClientTool

INPUT = "input"


def free_text_tool(name: str, description: str, grammar: str = "") -> ClientTool:
    """Returns a function with the text as its argument; `grammar` tells the form of the text."""
    form: Mapping[str, object] = {"type": "string"}
    if grammar:
        form = {**form, "description": f"Must match this grammar:\n{grammar}"}
    schema = {
        "type": "object",
        "properties": {INPUT: form},
        "required": [INPUT],
        "additionalProperties": False,
    }
    return ClientTool(name, description, schema, free_text=True)


def as_arguments(text: str) -> str:
    """Returns the arguments of a call with the text."""
    return json.dumps({INPUT: text}, ensure_ascii=False)


def text_of(arguments: str) -> str:
    """Returns the text of a call; the arguments themselves if the model gave no such text."""
    try:
        parsed = json.loads(arguments)
    except ValueError:
        return arguments
    text = parsed.get(INPUT) if isinstance(parsed, dict) else None
    return text if isinstance(text, str) else arguments
