from modegate.domain.quota import Quota

WIDE, TIGHT = Quota(60, 59, 100.0), Quota(10, 3, 50.0)


def test_the_stricter_quota_is_the_one_with_fewer_requests_remaining() -> None:
    assert WIDE.stricter_of(TIGHT) is TIGHT
    assert TIGHT.stricter_of(WIDE) is TIGHT
    assert WIDE.stricter_of(None) is WIDE
