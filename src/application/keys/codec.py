"""Keys of clients as JSON, without their secrets."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from modegate.domain.access.client_key import ClientKey, KeySource
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period

RULES = frozenset(field.name for field in fields(KeyRules) if field.init)
BUDGET = frozenset(field.name for field in fields(Budget))


def encode_key(key: ClientKey) -> str:
    """Returns a key as JSON; its id and its source are not in it."""
    rules, budget = key.rules, key.rules.budget
    return json.dumps(
        {
            "name": key.name,
            "masked": key.masked,
            "enabled": key.enabled,
            "expires_at": key.expires_at,
            "created_at": key.created_at,
            "revoked_at": key.revoked_at,
            "digest": key.digest.hex(),
            "old_digest": None if key.old_digest is None else key.old_digest.hex(),
            "old_until": key.old_until,
            "rules": {name: getattr(rules, name) for name in sorted(RULES - {"budget"})},
            "budget": budget and {name: getattr(budget, name) for name in sorted(BUDGET)},
        }
    )


def decode_key(key_id: str, text: str) -> ClientKey:
    """Returns the key; fields of a later version are left out.

    Raises:
        KeyError: a field is missing.
        ValueError: a value is wrong.
    """
    row = json.loads(text)
    old = row["old_digest"]
    return ClientKey(
        id=key_id,
        name=row["name"],
        masked=row["masked"],
        source=KeySource.ADMIN,
        rules=_rules(row["rules"], row["budget"]),
        enabled=row["enabled"],
        expires_at=row["expires_at"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
        digest=bytes.fromhex(row["digest"]),
        old_digest=None if old is None else bytes.fromhex(old),
        old_until=row["old_until"],
    )


def _rules(row: Mapping[str, Any], budget: Mapping[str, Any] | None) -> KeyRules:
    known: dict[str, Any] = {name: value for name, value in row.items() if name in RULES}
    lists = {name: tuple(known[name]) for name in ("models", "modes")}
    return KeyRules(**{**known, **lists, "budget": _budget(budget)})


def _budget(row: Mapping[str, Any] | None) -> Budget | None:
    if row is None:
        return None
    return Budget(usd=row["usd"], tokens=row["tokens"], period=Period(row["period"]))
