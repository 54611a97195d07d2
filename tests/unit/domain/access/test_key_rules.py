"""What the rules of a key allow."""

import pytest

from modegate.domain.access.key_rules import NO_RULES, KeyRules

RULES = KeyRules(models=("sonnet", "gpt-4o*"), modes=("claude-code",), rpm=3)


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        ("sonnet", True),
        ("gpt-4o", True),
        ("gpt-4o-mini", True),
        ("gpt-4", False),
        ("Sonnet", False),
        ("sonnet-2", False),
        ("gpt-4o*", True),
        ("", False),
    ],
)
def test_models_are_exact_names_and_prefixes(model: str, allowed: bool) -> None:
    assert RULES.allows_model(model) is allowed
    assert NO_RULES.allows_model(model)


def test_modes_are_exact() -> None:
    assert RULES.allows_mode("claude-code")
    assert not RULES.allows_mode("openai-passthrough")
    assert NO_RULES.allows_mode("openai-passthrough")


def test_requests_a_minute_are_a_limit_of_the_key() -> None:
    assert RULES.rate is not None
    assert (RULES.rate.name, RULES.rate.requests, RULES.rate.seconds) == ("key", 3, 60.0)
    assert NO_RULES.rate is None
