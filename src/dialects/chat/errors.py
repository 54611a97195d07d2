"""OpenAI's error object."""

import json

from modegate.dialects.json import escape_line_separators


def error_object(message: str, kind: str, code: str, param: str | None = None) -> bytes:
    """Returns the body of an error, with exactly these four fields."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    text = json.dumps({"error": error}, ensure_ascii=False)
    return escape_line_separators(text).encode("utf-8", "replace")
