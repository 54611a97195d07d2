"""The names of models that may be labels.

A label's values must be few, and no client may choose them: each value is a series for ever.
"""

MAX_MODELS = 100
MAX_LENGTH = 100


class ModelLabels:
    """The first `MAX_MODELS` models that backends have accepted; all others share one label, None."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def admit(self, model: str | None) -> str | None:
        """Returns the label of a model that a backend has accepted."""
        if model is None or len(model) > MAX_LENGTH or not model.isprintable():
            return None
        if len(self._names) < MAX_MODELS:
            self._names.add(model)
        return self.known(model)

    def known(self, model: str | None) -> str | None:
        """Returns the label of a model that a client may have made up."""
        return model if model in self._names else None
