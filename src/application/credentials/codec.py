"""States of credentials as JSON, without their keys."""

import json
from dataclasses import asdict, fields
from typing import Any

from modegate.domain.credentials.state import Cooldown, CredentialState, LastError

FIELDS = frozenset(field.name for field in fields(CredentialState))


def encode_state(state: CredentialState) -> str:
    """Returns a state as JSON."""
    return json.dumps(asdict(state))


def decode_state(text: str | bytes) -> CredentialState:
    """Returns the state; fields of a later version are left out.

    Raises:
        TypeError, ValueError: a value is wrong.
    """
    known: dict[str, Any] = {
        name: value for name, value in json.loads(text).items() if name in FIELDS
    }
    if known.get("cooldown") is not None:
        known["cooldown"] = Cooldown(**known["cooldown"])
    if known.get("last_error") is not None:
        known["last_error"] = LastError(**known["last_error"])
    return CredentialState(**known)
