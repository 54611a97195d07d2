from math import inf

import pytest

from modegate.http_client.messages.deadlines import Deadlines


@pytest.mark.parametrize(
    ("deadlines", "expiry"),
    [
        (Deadlines(), inf),
        (Deadlines(whole_at=105.0), 105.0),
        (Deadlines(silence_s=3.0), 103.0),
        (Deadlines(whole_at=102.0, silence_s=3.0), 102.0),
        (Deadlines(whole_at=104.0, silence_s=3.0), 103.0),
        (Deadlines(whole_at=90.0, silence_s=3.0), 90.0),
    ],
    ids=["none", "whole", "silence", "whole first", "silence first", "already expired"],
)
def test_the_bound_that_expires_first_counts(deadlines: Deadlines, expiry: float) -> None:
    assert deadlines.expiry(waiting_since=100.0) == expiry


def test_each_silence_counts_by_itself() -> None:
    deadlines = Deadlines(whole_at=200.0, silence_s=3.0)
    assert [deadlines.expiry(since) for since in (100.0, 150.0, 198.0)] == [103.0, 153.0, 200.0]


def test_the_whole_may_be_moved() -> None:
    deadlines = Deadlines(whole_at=101.0)
    deadlines.whole_at = 110.0
    assert deadlines.expiry(100.0) == 110.0
