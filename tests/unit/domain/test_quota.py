from modegate.domain.quota import Quota

WIDE, TIGHT = Quota(60, 59, 100.0), Quota(10, 3, 50.0)


def test_the_tighter_of_two_has_less_left() -> None:
    assert WIDE.stricter_of(TIGHT) is TIGHT
    assert TIGHT.stricter_of(WIDE) is TIGHT
    assert WIDE.stricter_of(None) is WIDE
