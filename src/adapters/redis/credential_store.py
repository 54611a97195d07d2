"""States of credentials that several gateways share, without their keys."""

import json
import logging
from collections.abc import Mapping, Sequence

from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.revisions import Revisions, Row
from modegate.application.credentials.codec import decode_state, encode_state
from modegate.application.ports.credential_store import CredentialChange, StoredCredential
from modegate.domain.errors.catalogue import storage

log = logging.getLogger(__name__)


class RedisCredentialStore:
    """Stores the states in a store that several gateways share."""

    def __init__(self, connection: RedisConnection) -> None:
        self._rows = Revisions(connection, "credentials")

    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        """Returns the states with a revision above `after`."""
        found = await self._rows.load(after)
        return [_decode(row_id, (revision, text)) for row_id, revision, text in found]

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        """Applies the changes in one step; a state that another gateway changed is read again."""
        if not changes:
            return

        def apply(rows: Mapping[str, Row]) -> Mapping[str, str]:
            states = {row_id: _decode(row_id, row) for row_id, row in rows.items()}
            for it in changes:
                states[it.id] = StoredCredential(
                    id=it.id,
                    secret_digest=it.secret_digest,
                    state=it.applied_to(states.get(it.id)),
                    revision=0,
                )
            return {row_id: _encode(row) for row_id, row in states.items()}

        await self._rows.change(list(dict.fromkeys(it.id for it in changes)), apply)


def _encode(row: StoredCredential) -> str:
    return json.dumps({"secret_digest": row.secret_digest, "state": encode_state(row.state)})


def _decode(credential_id: str, row: Row) -> StoredCredential:
    revision, text = row
    try:
        found = json.loads(text)
        return StoredCredential(
            id=credential_id,
            secret_digest=found["secret_digest"],
            state=decode_state(found["state"]),
            revision=revision,
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        log.error("state of a credential in the store unreadable: %s", type(error).__name__)  # noqa: TRY400
        raise storage.store_unreadable() from error
