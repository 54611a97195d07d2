"""Stores the conversation with one turn for other gateways."""

import logging
import uuid

from modegate.adapters.claude_cli.archive.archived_sessions import ArchivedSessions, Stored
from modegate.adapters.claude_cli.session_folder.moved_transcript import LargeTranscriptError
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
)
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.stored_turn import AnsweredTurn, store_turn
from modegate.adapters.claude_cli.turns.unstored_turns import UnstoredTurn
from modegate.domain.errors import StorageError
from modegate.domain.session import Session
from modegate.domain.turn import Turn

log = logging.getLogger(__name__)


class TranscriptStorage:
    """Stores what a turn has added to the transcript, and has the turn acknowledged: once."""

    def __init__(self, turn: Turn, resources: TurnResources) -> None:
        self._turn = turn
        self._session = turn.session
        self._archive = resources.archive
        self._unstored = resources.unstored
        self._is_decided = False
        self._version = turn.session.transcript

    def is_last_of(self, session: Session) -> bool:
        """Returns whether no gateway has gone on since: the record names this turn's conversation."""
        return self._archive is None or session.transcript == self._version

    @property
    def must_be_stored(self) -> bool:
        """Whether the turn is to be stored, and that was not tried yet."""
        return self._archive is not None and not self._is_decided

    async def store(
        self, folder: SessionDirectory, cli_session_id: str, *, with_answer: bool
    ) -> None:
        """Stores the conversation with this turn, and has it acknowledged. Only the first call counts.

        `with_answer` is whether the transcript must end with an answer. A failure is logged: the
        turn is stored later, and other gateways wait for it.
        """
        if self._archive is None or self._is_decided:
            return
        self._is_decided = True
        stored, unstored = None, ""
        answered = AnsweredTurn(uuid.uuid4().hex, folder, cli_session_id, with_answer)
        try:
            stored = await store_turn(self._archive, self._session, answered)
        except LargeTranscriptError:
            log.warning("transcript of session %s is too large to be stored", self._session.id)
        except (StorageError, OSError) as error:
            unstored = answered.id
            log.error(  # noqa: TRY400 - nothing of the turn
                "turn of session %s could not be stored: %s", self._session.id, type(error).__name__
            )
        version = None if stored is None else str(stored.version)
        acknowledged = await self._turn.on_stored(cli_session_id, version, unstored)
        self._unstored.drop(self._session.id)
        if unstored or (stored is not None and not acknowledged):
            self._unstored.add(UnstoredTurn(answered, self._session, acknowledged))
        if acknowledged and stored is not None:
            self._acknowledged(self._archive, stored)

    def _acknowledged(self, archive: ArchivedSessions, stored: Stored) -> None:
        self._version = str(stored.version)
        if stored.batches == 1:
            archive.drop_others(self._session.id, stored.version)

    async def leave_out(self) -> None:
        """Has the answer acknowledged without the turn, which is removed from the conversation."""
        if self.must_be_stored:
            self._is_decided = True
            await self._turn.on_stored(None, None)
