"""Upstreams that cannot serve a request."""

from collections.abc import Iterable, Sequence

from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import (
    InvalidHeaderError,
    ModelNotFoundError,
    UnsupportedCapabilityError,
)


def unrouted_model(names: Sequence[str]) -> ModelNotFoundError:
    """Returns the error for a model that no upstream serves; `names` are models and prefixes."""
    listed = ", ".join(names) if names else "none"
    return ModelNotFoundError(
        f"No upstream serves this model; served are {listed}.",
        param="model",
        models=tuple(names),
        remedies=(Remedy.CHOOSE_LISTED_MODEL,),
    )


def own_key_elsewhere(upstream: str, default: str) -> InvalidHeaderError:
    """Returns the error for a client's own key with a model of another upstream."""
    return InvalidHeaderError(
        f"Your own key is only sent to the upstream {default}, and this model is one of {upstream}.",
        param=Input.UPSTREAM_KEY,
        remedies=(Remedy.OMIT_UPSTREAM_KEY,),
    )


def lacks_capability(needed: str, available: Iterable[str]) -> UnsupportedCapabilityError:
    """Returns the error for a request that needs what the model's upstream lacks."""
    can = ", ".join(sorted(available)) or "nothing"
    return UnsupportedCapabilityError(
        f"This model's upstream cannot process {needed}. It can process: {can}.",
        param="model",
        remedies=(Remedy.CHOOSE_MODEL,),
    )
