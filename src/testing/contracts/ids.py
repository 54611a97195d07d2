"""The duties of an `IdGenerator`."""

from abc import ABC, abstractmethod

from modegate.application.ports.ids import IdGenerator
from modegate.domain.session import is_session_id

MANY = 1000


class IdGeneratorContract(ABC):
    """Give `ids`."""

    @abstractmethod
    def ids(self) -> IdGenerator:
        """A generator."""

    def test_answers_have_unique_ids_with_the_prefix_of_the_api(self) -> None:
        ids = self.ids()
        made = [ids.completion_id() for _ in range(MANY)]
        assert len(set(made)) == MANY
        assert all(it.startswith("chatcmpl-") and it != "chatcmpl-" for it in made)

    def test_sessions_have_unique_uuids_of_version_4(self) -> None:
        ids = self.ids()
        made = [ids.session_id() for _ in range(MANY)]
        assert len(set(made)) == MANY
        assert all(map(is_session_id, made))
