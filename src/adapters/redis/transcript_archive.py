"""Transcripts in Redis or Valkey: a list for each key, in pieces that are compressed."""

import asyncio
import re
from collections.abc import Awaitable, Sequence
from typing import Any, cast

from modegate.adapters.redis.connection import PREFIX, RedisConnection, Script
from modegate.application.ports.transcript_archive import (
    ArchivedSession,
    Entry,
    TranscriptKey,
)
from modegate.dialects.transcripts import decode_entries, encode_entries
from modegate.domain.storage import StorageFault, storage_error

# Pieces in one answer of the server, and bytes of JSON in one piece, about.
PAGE = 16
PIECE_BYTES = 256 * 1024

# The lists, and the index of the session's lists, expire together. Times are the server's.
APPEND = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local keep = tonumber(ARGV[3])
for i = 4, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], keep)
redis.call('PEXPIRE', KEYS[2], keep)
if ARGV[1] == '' then
  redis.call('ZADD', KEYS[3], now, ARGV[2])
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - keep)
end
return now
""")

DELETE = Script("""
for i = 3, #KEYS do redis.call('UNLINK', KEYS[i]) end
for i = 2, #ARGV do
  redis.call('SREM', KEYS[1], ARGV[i])
  if ARGV[i] == '' then redis.call('ZREM', KEYS[2], ARGV[1]) end
end
return 1
""")


class RedisTranscriptArchive:
    """Keeps each list for `keep_s` seconds after its last `append`."""

    def __init__(self, connection: RedisConnection, keep_s: float) -> None:
        self._connection = connection
        self._keep_ms = round(keep_s * 1000)

    async def append(self, key: TranscriptKey, entries: list[Entry]) -> None:
        """Adds the entries in one step of the server."""
        if not entries:
            return
        subpath, session = key.get("subpath", ""), key["session_id"]
        keys = [_list(key), _index(key), _sessions(key["project_key"])]
        pieces = await asyncio.to_thread(lambda: [*map(encode_entries, _pieces(entries))])
        arguments = [subpath, session, self._keep_ms, *pieces]
        # Not on the connection for scripts: the limits of all requests would wait for a long one.
        await self._call(lambda client: client.eval(APPEND.source, len(keys), *keys, *arguments))

    async def load(self, key: TranscriptKey) -> list[Entry] | None:
        """Returns all entries; None if there are none."""
        entries: list[Entry] = []
        start = 0
        while page := await self._page(_list(key), start):
            try:
                for piece in page:
                    entries += decode_entries(piece)
            except ValueError as error:
                raise storage_error(StorageFault.BROKEN) from error
            start += len(page)
        return entries or None

    async def list_sessions(self, project_key: str) -> list[ArchivedSession]:
        """Returns the sessions with a main list."""
        found = await self._call(
            lambda client: client.zrange(_sessions(project_key), 0, -1, withscores=True)
        )
        return [
            ArchivedSession(session_id=session.decode(), mtime=int(mtime))
            for session, mtime in found
        ]

    async def delete(self, key: TranscriptKey) -> None:
        """Deletes one list, or the session."""
        subpath = key.get("subpath", "")
        subpaths = [subpath] if subpath else [*await self.list_subkeys(key), ""]
        lists = [_list({**key, "subpath": it}) for it in subpaths]
        await self._connection.run(
            DELETE,
            [_index(key), _sessions(key["project_key"]), *lists],
            [key["session_id"], *subpaths],
        )

    async def list_subkeys(self, key: TranscriptKey) -> Sequence[str]:
        """Returns the subpaths."""
        found = await self._call(lambda client: client.smembers(_index(key)))
        return [it.decode() for it in found if it]

    async def _page(self, name: str, start: int) -> list[bytes]:
        found = await self._call(lambda client: client.lrange(name, start, start + PAGE - 1))
        return list(found)

    async def _call(self, work: Any) -> Any:
        # The stubs of redis-py say that these return a value or an awaitable.
        return await self._connection.call(lambda client: cast("Awaitable[Any]", work(client)))


def _pieces(entries: list[Entry]) -> list[list[Entry]]:
    """Splits the entries, so that no answer of the server is very large."""
    pieces: list[list[Entry]] = [[]]
    size = 0
    for entry in entries:
        if size > PIECE_BYTES:
            pieces.append([])
            size = 0
        pieces[-1].append(entry)
        size += len(repr(entry))
    return pieces


def _list(key: TranscriptKey) -> str:
    return f"{_index(key)}:{_part(key.get('subpath', ''))}"


def _index(key: TranscriptKey) -> str:
    return f"{PREFIX}transcript:{_part(key['project_key'])}:{_part(key['session_id'])}"


def _sessions(project_key: str) -> str:
    return f"{PREFIX}transcripts:{_part(project_key)}"


def _part(text: str) -> str:
    return re.sub("[%:{}]", lambda found: f"%{ord(found[0]):02x}", text)
