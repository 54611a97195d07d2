from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.error_rules import Action, ErrorRule
from modegate.domain.credentials.member import Member
from modegate.domain.credentials.pool import CredentialPool, PoolRules
from modegate.domain.credentials.selection import Strategy
from modegate.domain.credentials.state import CredentialStatus
from modegate.domain.credentials.verdict import Failure
from modegate.domain.errors import CredentialsCoolingError, NoCredentialsError

NOW = 1000.0
RATE_LIMIT = Failure(code="upstream_error", status=429)
REJECTED = Failure(code="upstream_error", status=401)
SERVER_ERROR = Failure(code="upstream_error", status=500)
BAD_REQUEST = Failure(code="upstream_error", status=400)


def pool(
    *ids: str, strategy: Strategy = Strategy.FILL_FIRST, expires_at: float | None = None
) -> CredentialPool:
    credentials = [Credential(it, ApiKey(f"sk-{it}"), expires_at=expires_at) for it in ids]
    return CredentialPool(credentials, PoolRules(strategy=strategy))


def member(of: CredentialPool, credential_id: str) -> Member:
    found = of.find(credential_id)
    assert found is not None
    return found


def chosen(of: CredentialPool, now: float = NOW, asked: tuple[str, ...] = ()) -> str | None:
    found = of.choose(now, "", asked)
    return None if found is None else found.credential.id


def fail(of: CredentialPool, credential_id: str, failure: Failure, now: float = NOW) -> None:
    of.fail(member(of, credential_id), failure, now)


def status(of: CredentialPool, credential_id: str, now: float = NOW) -> CredentialStatus:
    return member(of, credential_id).state.status(now)


def test_the_next_credential_serves_until_the_first_has_cooled() -> None:
    both = pool("a", "b")
    fail(both, "a", Failure(code="x", status=429, retry_after_s=30))
    assert [chosen(both, NOW + after) for after in (0, 29.9, 30, 31)] == ["b", "b", "a", "a"]


def test_a_pool_of_one_never_cools_and_shows_its_last_error() -> None:
    single = pool("a")
    for failure in (RATE_LIMIT, REJECTED, SERVER_ERROR, SERVER_ERROR, SERVER_ERROR):
        fail(single, "a", failure)
        assert chosen(single) == "a"
    error = member(single, "a").state.last_error
    assert error is not None
    assert (error.status, error.at) == (500, NOW)


def test_a_credential_whose_only_companion_is_disabled_does_not_cool() -> None:
    both = pool("a", "b")
    member(both, "b").state.enabled = False
    both.refresh()
    fail(both, "a", REJECTED)
    assert chosen(both) == "a"


def test_a_cooling_credential_is_used_if_its_companion_is_disabled() -> None:
    both = pool("a", "b")
    fail(both, "a", REJECTED)
    member(both, "b").state.enabled = False
    both.refresh()
    assert chosen(both) == "a"


def test_a_rule_that_cools_counts_a_failure() -> None:
    rule = ErrorRule(then=Action.COOL, status=418)
    credentials = [Credential(it, ApiKey(f"sk-{it}")) for it in ("a", "b")]
    both = CredentialPool(credentials, PoolRules(error_rules=(rule,)))
    fail(both, "a", Failure(code="upstream_error", status=418))
    state = member(both, "a").state
    assert (state.failures, state.last_error and state.last_error.status) == (1, 418)


def test_the_last_of_two_cools_although_the_other_one_is_cooling() -> None:
    both = pool("a", "b")
    fail(both, "a", REJECTED)
    fail(both, "b", RATE_LIMIT)
    assert chosen(both) is None
    error = both.unavailable(NOW)
    assert isinstance(error, CredentialsCoolingError)
    assert error.retry_after == 1


def test_a_fault_of_the_request_leaves_the_credential_untouched() -> None:
    both = pool("a", "b")
    fail(both, "a", BAD_REQUEST)
    state = member(both, "a").state
    assert (chosen(both), state.requests, state.failures, state.last_error) == ("a", 1, 0, None)


def test_server_errors_cool_after_three_in_a_row_only() -> None:
    both = pool("a", "b")
    for _ in range(2):
        fail(both, "a", SERVER_ERROR)
    both.succeed(member(both, "a"), NOW)
    for _ in range(2):
        fail(both, "a", SERVER_ERROR)
        assert chosen(both) == "a"
    fail(both, "a", SERVER_ERROR)
    assert chosen(both) == "b"
    assert chosen(both, NOW + 60) == "a"


def test_many_rate_limits_at_once_begin_one_cool_down() -> None:
    both = pool("a", "b")
    for _ in range(64):
        fail(both, "a", RATE_LIMIT)
    assert chosen(both, NOW + 0.9) == "b"
    assert chosen(both, NOW + 1) == "a"
    fail(both, "a", RATE_LIMIT, NOW + 1)
    assert chosen(both, NOW + 2.9) == "b"
    assert chosen(both, NOW + 3) == "a"


def test_a_shorter_time_does_not_shorten_a_cool_down() -> None:
    both = pool("a", "b")
    fail(both, "a", REJECTED)
    fail(both, "a", RATE_LIMIT)
    assert chosen(both, NOW + 1799) == "b"


def test_an_answer_to_an_earlier_attempt_does_not_end_a_cool_down() -> None:
    both = pool("a", "b")
    fail(both, "a", RATE_LIMIT)
    assert not both.succeed(member(both, "a"), NOW + 0.5)
    assert chosen(both, NOW + 0.5) == "b"
    assert both.succeed(member(both, "a"), NOW + 1)
    assert member(both, "a").state.cooldown is None


def test_one_request_decides_at_the_end_of_a_cut_cool_down() -> None:
    both = pool("a", "b")
    fail(both, "a", Failure(code="x", status=429, retry_after_s=90_000))
    end = NOW + 3600
    assert [chosen(both, end), chosen(both, end), chosen(both, end)] == ["a", "b", "b"]
    fail(both, "a", Failure(code="x", status=429, retry_after_s=90_000), end)
    assert [chosen(both, end + 3599), chosen(both, end + 3600)] == ["b", "a"]
    both.succeed(member(both, "a"), end + 3600)
    assert [chosen(both, end + 3600), chosen(both, end + 3600)] == ["a", "a"]


def test_a_trial_without_an_outcome_is_followed_by_another() -> None:
    both = pool("a", "b")
    fail(both, "a", Failure(code="x", status=429, retry_after_s=90_000))
    end = NOW + 3600
    assert [chosen(both, end), chosen(both, end)] == ["a", "b"]
    both.release(member(both, "a"))
    assert chosen(both, end) == "a"


def test_clients_are_told_the_true_time() -> None:
    both = pool("a", "b")
    for credential_id in ("a", "b"):
        fail(both, credential_id, Failure(code="x", status=429, retry_after_s=90_000))
    assert both.unavailable(NOW + 100).retry_after == 89_900


def test_a_credential_is_asked_once_a_request() -> None:
    three = pool("a", "b", "c")
    assert chosen(three, asked=("a",)) == "b"
    assert chosen(three, asked=("a", "b")) == "c"
    assert chosen(three, asked=("a", "b", "c")) is None


def test_a_failover_takes_no_turn_of_round_robin() -> None:
    three = pool("a", "b", "c", strategy=Strategy.ROUND_ROBIN)
    assert chosen(three) == "a"
    assert chosen(three, asked=("a",)) == "b"
    assert [chosen(three) for _ in range(3)] == ["b", "c", "a"]


def test_disabled_and_expired_credentials_are_skipped() -> None:
    expiring = pool("a", "b", expires_at=NOW + 10)
    member(expiring, "a").state.enabled = False
    expiring.refresh()
    assert [chosen(expiring, NOW + 9.9), chosen(expiring, NOW + 10)] == ["b", None]
    assert isinstance(expiring.unavailable(NOW + 10), NoCredentialsError)


def test_a_disabled_one_beside_cooling_ones_leaves_the_time_of_those() -> None:
    three = pool("a", "b", "c")
    fail(three, "a", RATE_LIMIT)
    fail(three, "b", REJECTED)
    member(three, "c").state.enabled = False
    three.refresh()
    assert three.unavailable(NOW).retry_after == 1


def test_statuses_follow_the_time() -> None:
    both = pool("a", "b")
    fail(both, "a", RATE_LIMIT)
    assert status(both, "a") is CredentialStatus.COOLING
    assert status(both, "a", NOW + 1) is CredentialStatus.READY
