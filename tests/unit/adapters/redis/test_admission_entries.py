"""Permits that pass from a request to the next one, and the form of commands."""

import asyncio
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio.connection import Connection

from modegate.adapters.redis.admission_entries import Admit, Permit, Release, Renew, handed_over
from modegate.adapters.redis.batcher import Entry
from modegate.adapters.redis.store_socket import pack
from modegate.domain.quota import KeyLimits, Limit

ADDRESS = Limit("address", 10, 60.0)
NOW, FRESH = 100.0, 98.0


def admission(subject: str = "a", permits: int = 5) -> Admit:
    permit = Permit("new", permits, NOW)
    return Admit(ADDRESS, "x", KeyLimits(subject, permits), permit, lambda *_: None)


def release(name: str, subject: str = "a", permits: int = 5, since: float = NOW) -> Release:
    return Release(subject, Permit(name, permits, since), lambda _: None)


async def test_an_admission_takes_over_the_permit_of_a_release_before_it() -> None:
    freed, renewal, next_one, another = (
        release("old"),
        Renew("a", ()),
        admission(),
        admission(),
    )
    assert handed_over([freed, renewal, next_one, another], FRESH) == [renewal, next_one, another]
    assert next_one.permit.name == "old"
    assert next_one.arguments == ("t", 10, 60_000, "old", 5, 0, 0)
    assert another.arguments == ("a", 10, 60_000, "new", 5, 0, 0)


async def test_permits_of_others_of_other_limits_and_old_ones_are_released() -> None:
    batches: Sequence[Sequence[Entry]] = (
        [admission(), release("old")],
        [release("old", subject="b"), admission()],
        [release("old", permits=4), admission()],
        [release("old", since=FRESH), admission()],
    )
    for batch in batches:
        assert handed_over(batch, FRESH) == batch


def test_the_last_permit_is_released_without_waiting_for_company() -> None:
    assert Release("a", Permit("p", 1, NOW, is_last=True), lambda _: None).is_urgent
    assert not release("p").is_urgent


@given(
    st.sampled_from(["GET", "MEMORY USAGE"]),
    st.lists(st.text() | st.binary() | st.integers() | st.floats()),
)
def test_commands_are_packed_as_redis_py_does(
    name: str, arguments: list[str | bytes | float]
) -> None:
    async def packed() -> bytes:
        return b"".join(Connection().pack_command(name, *arguments))

    assert pack(name, *arguments) == asyncio.run(packed())
