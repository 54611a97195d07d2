"""Claude's answers without credentials."""

import pytest

from modegate.application.answering.redaction import RedactingBackend
from modegate.domain.answer.events import Completion, Finished, Started, TextDelta
from modegate.domain.errors import BackendCrashedError
from modegate.testing.answer_backend import ScriptedBackend, says
from modegate.testing.turns import claude_turn

KEY = "sk-ant-api03-abcdef1234567890"
TURN = claude_turn()


async def test_a_whole_answer() -> None:
    answer = await RedactingBackend(ScriptedBackend(*says("The key is ", KEY, "."))).complete(TURN)
    assert isinstance(answer, Completion)
    assert answer.text == "The key is [REDACTED]."


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_a_stream(size: int) -> None:
    text = f"The key is {KEY}. Well, sk"
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    async with RedactingBackend(ScriptedBackend(*says(*pieces))).stream(TURN) as chunks:
        seen = [chunk async for chunk in chunks]
    texts = [chunk.text for chunk in seen if isinstance(chunk, TextDelta)]
    assert "".join(texts) == "The key is [REDACTED]. Well, sk"
    assert all(texts)
    assert isinstance(seen[0], Started)
    assert isinstance(seen[-1], Finished)


async def test_what_is_held_back_when_a_stream_is_cut_stays_back() -> None:
    script = (*says("Take sk-ant-")[:-1], BackendCrashedError("x"))
    texts: list[str] = []

    async def take() -> None:
        async with RedactingBackend(ScriptedBackend(*script)).stream(TURN) as chunks:
            async for chunk in chunks:
                texts.extend([chunk.text] if isinstance(chunk, TextDelta) else [])

    with pytest.raises(BackendCrashedError):
        await take()
    assert texts == ["Take "]


async def test_leaving_early_releases_the_backend() -> None:
    backend = ScriptedBackend(*says("a", "b"))
    async with RedactingBackend(backend).stream(TURN) as chunks:
        assert await anext(chunks) == Started()
    assert backend.open == 0
