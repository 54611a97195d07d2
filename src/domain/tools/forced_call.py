"""The words that ask the model for a call, where the client requires one."""

from collections.abc import Collection


def call_required(names: Collection[str]) -> str:
    """Returns the sentence that makes the model call one of the named tools; never empty."""
    if len(names) == 1:
        return f"You must call the tool `{next(iter(names))}` in your next answer."
    told = ", ".join(f"`{name}`" for name in names)
    return f"You must call at least one of these tools in your next answer: {told}."
