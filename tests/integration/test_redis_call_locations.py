"""The sessions of open calls in a real store."""

from dataclasses import replace
from pathlib import Path

from support.redis import redis_server
from support.waiting import until_awaited

from modegate.adapters.redis.call_locations import RedisCallLocations
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.domain.access.client import ClientId
from modegate.domain.session import Session, SessionId

PATIENT_S = 30.0


async def test_calls_lead_to_the_session_that_made_them_for_its_client_alone(
    tmp_path: Path,
) -> None:
    with redis_server(tmp_path, fsync="no") as store:
        connection = RedisConnection(RedisOptions(store.url, PATIENT_S))
        try:
            await check(RedisCallLocations(connection))
        finally:
            await connection.aclose()


async def check(calls: RedisCallLocations) -> None:
    one = Session.start(SessionId("one"), ClientId("a"), 0.0)
    two = Session.start(SessionId("two"), ClientId("a b"), 0.0)
    await calls.move(one, [], ["b c", "d"], 60.0)
    assert await calls.find(ClientId("a"), ["unknown", "d"]) == "one"
    assert await calls.find(ClientId("a b"), ["c", "d", "\ud800"]) is None
    await calls.move(two, ["c"], ["d"], 60.0)
    assert await calls.find(ClientId("a b"), ["d"]) == "two"
    # Only the session that made a call forgets it.
    await calls.move(replace(one, id=SessionId("three")), ["d"], [], 60.0)
    assert await calls.find(ClientId("a"), ["d"]) == "one"
    await calls.move(one, ["d", "b c"], [], 60.0)
    assert await calls.find(ClientId("a"), ["d", "b c"]) is None

    async def is_over() -> bool:
        return await calls.find(ClientId("a"), ["d"]) is None

    await calls.move(one, [], ["d"], 0.001)
    await until_awaited(is_over)
