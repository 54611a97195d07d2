"""The types of the settings of budgets, and how a budget is shown."""

from datetime import UTC, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, PlainSerializer, PlainValidator

from modegate.application.keys.fields import read_budget
from modegate.domain.budgets.budget import Budget

BUDGET = "budget"
UTC_NAME = "UTC"


def zone_of(name: str) -> tzinfo:
    """Returns a time zone; UTC also on machines without a database of zones.

    Raises:
        ValueError: this machine does not know the zone.
    """
    if name == UTC_NAME:
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(
            "must be a time zone that this machine knows, like Europe/Berlin"
        ) from None


def _zone_name(value: str) -> str:
    zone_of(value)
    return value


def budget_text(budget: Budget) -> str:
    """Returns a budget as it is shown to operators."""
    amounts = {"USD": budget.usd, "tokens": budget.tokens}
    told = " and ".join(f"{it:.12g} {unit}" for unit, it in amounts.items() if it is not None)
    return f"{told} a {budget.period}"


TimeZone = Annotated[str, AfterValidator(_zone_name)]
# The serializer is for the digest of settings: without it, pydantic warns of each dataclass.
BudgetTable = Annotated[Budget, PlainValidator(read_budget), PlainSerializer(repr, return_type=str)]
