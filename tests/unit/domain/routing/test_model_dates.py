from datetime import UTC, date, datetime

import pytest

from modegate.domain.routing.model_dates import RELEASED, released_at
from modegate.domain.routing.model_map import BUILT_IN_MODELS


@pytest.mark.parametrize(
    ("cli_model", "day"),
    [
        ("claude-haiku-4-5-20251001", date(2025, 10, 1)),
        ("claude-opus-4-6", date(2026, 2, 5)),
        ("claude-sonnet-4-6", date(2026, 2, 17)),
        ("Claude-Sonnet-4-6", date(2026, 2, 17)),
        ("claude-sonnet-4-6[1m]", date(2026, 2, 17)),
        ("us.anthropic.claude-opus-4-6-v1:0", date(2026, 2, 5)),
        ("anthropic/claude-opus-5", date(2026, 7, 24)),
        ("claude-opus-5-5", date(2026, 9, 21)),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", date(2025, 9, 29)),
        ("claude-sonnet-4-5@20250929", None),
        ("opus[1m]", date(2026, 9, 21)),
        ("claude-opus-9-9", None),
        ("claude-opus-4-60", None),
        ("claude-x-20251399", None),
        ("claude-x-20250231", None),
        ("our-own-model", None),
        ("opusculum", None),
    ],
)
def test_a_release_date_is_derived_from_the_cli_model_name(
    cli_model: str, day: date | None
) -> None:
    seconds = released_at(cli_model)
    assert (datetime.fromtimestamp(seconds, UTC).date() if seconds else None) == day


def test_every_built_in_model_has_a_release_date() -> None:
    for cli_model in (*BUILT_IN_MODELS.values(), *RELEASED):
        assert released_at(cli_model) >= datetime(2025, 10, 1, tzinfo=UTC).timestamp()
