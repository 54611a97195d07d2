import pytest

from modegate.domain.credentials.error_rules import Action, ErrorRule
from modegate.domain.credentials.state import CredentialState
from modegate.domain.credentials.verdict import (
    Cause,
    Cooldowns,
    Failure,
    cool_down,
    judge,
    own_rate_limit_s,
)

TIMES = Cooldowns()


def verdict(failure: Failure, state: CredentialState | None = None) -> tuple[bool, float | None]:
    found = judge(failure, state or CredentialState(), (), TIMES)
    return found.tries_next, found.cools_s


@pytest.mark.parametrize("status", [200, 400, 404, 405, 408, 409, 413, 415, 422, 451])
def test_a_fault_of_the_request_stops_and_leaves_the_credential(status: int) -> None:
    assert verdict(Failure(code="x", status=status)) == (False, None)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_rejected_credential_cools_for_half_an_hour(status: int) -> None:
    assert verdict(Failure(code="x", status=status)) == (True, 1800)


def test_a_rate_limit_cools_as_long_as_the_upstream_asks() -> None:
    assert verdict(Failure(code="x", status=429, retry_after_s=7.5)) == (True, 7.5)
    assert verdict(Failure(code="x", status=429, retry_after_s=0.0)) == (True, 0.0)


def test_rate_limits_without_a_time_double_from_a_second_to_five_minutes() -> None:
    assert [own_rate_limit_s(n) for n in (0, 1, 2, 3, 9, 10, 1000)] == [1, 1, 2, 4, 256, 300, 300]
    state = CredentialState(rate_limits_in_row=3)
    assert verdict(Failure(code="x", status=429), state) == (True, 4)


def test_a_spent_quota_cools_as_a_rejection_does() -> None:
    spent = Failure(code="x", status=429, retry_after_s=1.0, out_of_quota=True)
    assert verdict(spent) == (True, 1800)
    assert judge(spent, CredentialState(), (), TIMES).cause is Cause.QUOTA


@pytest.mark.parametrize("status", [401, 403])
def test_a_missing_permission_is_tried_with_the_next_and_cools_nothing(status: int) -> None:
    assert verdict(Failure(code="x", status=status, lacks_permission=True)) == (True, None)


@pytest.mark.parametrize("status", [None, 500, 502, 503, 504, 529])
def test_server_errors_cool_after_three_in_a_row(status: int | None) -> None:
    failure = Failure(code="x", status=status)
    assert verdict(failure, CredentialState(server_errors_in_row=2)) == (True, None)
    assert verdict(failure, CredentialState(server_errors_in_row=3)) == (True, 60)


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (Action.STOP, (False, None)),
        (Action.NEXT, (True, None)),
        (Action.COOL, (False, 5.0)),
        (Action.COOL_AND_NEXT, (True, 5.0)),
    ],
)
def test_a_rule_comes_before_the_table(then: Action, expected: tuple[bool, float | None]) -> None:
    rule = ErrorRule(then=then, status=403, contains="QUOTA", for_s=5.0)
    failure = Failure(code="x", status=403, body=b"no more quota")
    found = judge(failure, CredentialState(), (rule,), TIMES)
    assert (found.tries_next, found.cools_s) == expected


@pytest.mark.parametrize(
    ("rule", "matches"),
    [
        (ErrorRule(then=Action.STOP, status=403), True),
        (ErrorRule(then=Action.STOP, status=429), False),
        (ErrorRule(then=Action.STOP, contains="Billing"), True),
        (ErrorRule(then=Action.STOP, contains="quota"), False),
        (ErrorRule(then=Action.STOP, status=403, contains="quota"), False),
        (ErrorRule(then=Action.STOP, status=429, contains="billing"), False),
    ],
)
def test_a_rule_matches_by_status_and_text(rule: ErrorRule, matches: bool) -> None:
    assert rule.matches(403, b'{"error": "BILLING hard limit"}') is matches


def test_a_cool_down_longer_than_allowed_is_cut_and_keeps_the_true_time() -> None:
    found = judge(Failure(code="x", status=429, retry_after_s=90_000), CredentialState(), (), TIMES)
    cooldown = cool_down(found, TIMES, now=1000.0)
    assert cooldown is not None
    assert (cooldown.until, cooldown.resets_at, cooldown.is_cut) == (4600.0, 91_000.0, True)
