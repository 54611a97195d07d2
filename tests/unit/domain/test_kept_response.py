"""The size of a kept response, and its ids."""

import pytest

from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ImagePart, Message, Role, TextPart, ToolCall
from modegate.domain.kept_response import KeptResponse, is_response_id


def test_images_and_calls_count() -> None:
    image = Message(Role.USER, (TextPart("ab"), ImagePart("image/png", b"123")))
    call = Message(Role.ASSISTANT, calls=(ToolCall("a", "f", "{}"),))
    frame = AnswerFrame(completion_id="c-1", created=7, model="m")
    answer = Completion("Hi.", FinishReason.STOP, Usage(1, 1))
    assert KeptResponse("a", ClientId("ada"), frame, answer, (image, call)).characters == 7


@pytest.mark.parametrize("text", ["", "a:b", "é", "\ud800", "a b", "a\n", "a" * 129, "{a}"])
def test_ids_of_other_kinds_are_none_of_a_kept_response(text: str) -> None:
    assert not is_response_id(text)
    assert is_response_id("resp_mg_0123456789abcdef")
