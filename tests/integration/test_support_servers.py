"""The servers that tests start: data survives a kill."""

import asyncio
from pathlib import Path

import psycopg
import redis.asyncio
from support.postgres import postgres_server
from support.redis import redis_server


def test_what_redis_acknowledged_survives_a_kill(tmp_path: Path, store_kind: str) -> None:
    async def store() -> None:
        async with redis.asyncio.Redis.from_url(server.full_url) as client:
            await client.set("name", "value")

    async def stored() -> object:
        async with redis.asyncio.Redis.from_url(server.full_url) as client:
            return await client.get("name")

    with redis_server(tmp_path, name=store_kind) as server:
        asyncio.run(store())
        server.kill()
        server.start()
        assert asyncio.run(stored()) == b"value"


def test_what_postgres_committed_survives_a_kill() -> None:
    with postgres_server() as server:
        with psycopg.connect(server.url) as connection:
            connection.execute("create table names (name text)")
            connection.execute("insert into names values ('one')")
        server.kill()
        server.start()
        with psycopg.connect(server.url) as connection:
            assert connection.execute("select name from names").fetchall() == [("one",)]
