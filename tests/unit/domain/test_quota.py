from modegate.domain.quota import Quota

WIDE, TIGHT = Quota(60, 59, 100.0), Quota(10, 3, 50.0)


def test_the_tighter_of_two_has_less_left() -> None:
    assert WIDE.tighter(TIGHT) is TIGHT
    assert TIGHT.tighter(WIDE) is TIGHT
    assert WIDE.tighter(None) is WIDE
