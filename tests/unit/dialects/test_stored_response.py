"""The form of a kept response in a store: any response comes back, and nothing else is read."""

import struct
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.stored_response import PREFIX, SIZE, decode_response, encode_response
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import FinishReason
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedFile,
    LinkedImage,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)
from modegate.domain.kept_response import KeptResponse
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.session import SessionId
from modegate.domain.tools.client_tool import Calling, ClientTool, ToolOffer

MOST = 1_000_000
NUMBERS = st.integers(0, 2**70)
COUNTS = [NUMBERS] * 3
TEXTS = st.text(max_size=20)
NAMES = st.lists(TEXTS, max_size=3).map(tuple)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=3)
CALLS = st.lists(st.builds(ToolCall, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple)
BYTES = st.binary(max_size=40)
PARTS = (
    st.builds(TextPart, TEXTS)
    | st.builds(ImagePart, TEXTS, BYTES)
    | st.builds(FilePart, TEXTS, BYTES, TEXTS)
    | st.builds(LinkedImage, TEXTS, TEXTS)
    | st.builds(LinkedFile, TEXTS, TEXTS, TEXTS)
)
MESSAGES = st.builds(
    Message,
    role=st.sampled_from(Role),
    parts=st.lists(PARTS, max_size=4).map(tuple),
    calls=CALLS,
    call_id=st.none() | TEXTS,
    name=st.none() | TEXTS,
    is_error=st.booleans(),
)
OFFERS = st.builds(
    ToolOffer,
    tools=st.lists(
        st.builds(ClientTool, TEXTS, TEXTS, OBJECTS, st.none() | st.booleans(), st.booleans()),
        max_size=2,
    ).map(tuple),
    calling=st.sampled_from(Calling),
    callable=st.none() | st.frozensets(TEXTS, max_size=2),
    parallel=st.booleans(),
    legacy=st.booleans(),
)
FRAMES = st.builds(
    AnswerFrame,
    completion_id=TEXTS,
    created=NUMBERS,
    model=TEXTS,
    session_id=st.none() | TEXTS.map(SessionId),
    new_session=st.booleans(),
    include_usage=st.booleans(),
    ignored=NAMES,
    names=st.dictionaries(st.sampled_from(TurnSetting), NAMES),
    ignored_tools=NAMES,
    echoed=OBJECTS,
    shows_reasoning=st.booleans(),
    prompt_tokens=NUMBERS,
    tools=st.none() | OFFERS,
)
COMPLETIONS = st.builds(
    Completion,
    text=TEXTS,
    finish_reason=st.sampled_from(FinishReason),
    usage=st.builds(Usage, *COUNTS[:3], st.booleans(), *COUNTS[:2], st.none() | st.floats(0, 9)),
    cli_session_id=st.none() | TEXTS,
    reasoning=TEXTS,
    calls=CALLS,
    ignored=st.lists(st.sampled_from(TurnSetting), max_size=3).map(tuple),
    signature=TEXTS,
    stop_text=st.none() | TEXTS,
)
RESPONSES = st.builds(
    KeptResponse,
    TEXTS,
    TEXTS.map(ClientId),
    FRAMES,
    COMPLETIONS,
    st.lists(MESSAGES, max_size=4).map(tuple),
)
ONE = KeptResponse(
    "resp_mg_1",
    ClientId("ada"),
    AnswerFrame(completion_id="chatcmpl-1", created=7, model="sonnet", session_id=SessionId("s")),
    Completion("Hi.", FinishReason.STOP, Usage(3, 2)),
    (
        Message(Role.USER, (TextPart("See"), ImagePart("image/png", b"\x89PNG"))),
        text_message(Role.ASSISTANT, "Hi."),
    ),
)
# Written by version 1. Gateways of one version read it for as long as they write it.
STORED = (
    "013a731f5f0000015378016d52496ac43010fc4b9f953d10f00b72cf713042c81d5b44968c5a6602c3fc3dd5"
    "de32845c6c54ee6ad5e20b858e1a2a2c931d7bfb44867c0c9c2a40d7391c3f8b1b999a0bf93c4e916bc8c92e"
    "1c3fb8ea01dd2da4c2ae3256bd191a73c7117cc92971c50a6191832600129fed0652f3e9a2b0a1907c9c3bb6"
    "b3b81ef7ed689f72d1bda71634281148b9627ac56dcd3902d2afec87ac93fa59867c160b4dd010524f4d2d33"
    "ee980a3c5490be3881f56868e3a73946d07e2daae1cadf1ac37bb8d718420a326c2bd55ccd13e04dede5efea"
    "97db65c785cf409d1fb83b104860a9615cc3db4c2f33f65c42e5dbc1c3ce2de8b3546406dfbb8718f66c979e"
    "143628f8888220dbbbb8c7b625b9662838b93a1714a0636ad2ae316cdb5180f6a3919f609e0b99137d30eb0b"
    "2ed01cbad1f7c384d8cd6bdb1a74b368581e8b4360e4f04b4875f8d170d088ff1d6caf3f88fbe86889504e47"
)


def encoded(response: KeptResponse) -> bytes:
    value = encode_response(response, MOST)
    assert value is not None
    return value


@given(RESPONSES)
def test_every_response_comes_back(response: KeptResponse) -> None:
    assert decode_response(encoded(response)) == response


def test_lone_surrogates_come_back() -> None:
    odd = replace(ONE, messages=(text_message(Role.USER, "a\ud800b"),))
    assert decode_response(encoded(odd)) == odd


def test_the_form_of_a_version_does_not_change() -> None:
    assert decode_response(bytes.fromhex(STORED)) == ONE


@given(st.binary(max_size=60))
def test_other_bytes_are_no_response(value: bytes) -> None:
    with pytest.raises(ValueError, match=r"damaged|not a stored"):
        decode_response(value)


def test_damaged_values_are_no_responses() -> None:
    value = encoded(ONE)
    for at in range(len(value)):
        damaged = value[:at] + bytes([value[at] ^ 1]) + value[at + 1 :]
        for broken in (damaged, value[:at]):
            with pytest.raises(ValueError, match=r"damaged|not a stored"):
                decode_response(broken)


@pytest.mark.parametrize("head", ["[]", "{}", '{"id": 1}', "1", "{", '"\\ud800"'])
def test_a_sound_value_of_something_else_is_no_response(head: str) -> None:
    packed = zlib.compress(head.encode())
    content = SIZE.pack(len(packed)) + packed
    value = PREFIX.pack(1, zlib.crc32(content)) + content
    with pytest.raises(ValueError, match=r".+"):
        decode_response(value)


def test_a_value_of_another_version_is_no_response() -> None:
    with pytest.raises(ValueError, match="another version"):
        decode_response(struct.pack(">B", 2) + encoded(ONE)[1:])


def test_a_response_that_is_too_large_has_no_form() -> None:
    size = len(encoded(ONE))
    assert encode_response(ONE, size) is not None
    assert encode_response(ONE, size - 1) is None


def test_a_response_that_is_nested_too_deeply_has_no_form() -> None:
    deep: dict[str, object] = {}
    for _ in range(2000):
        deep = {"a": deep}
    assert encode_response(replace(ONE, frame=replace(ONE.frame, echoed=deep)), MOST) is None


def test_media_are_stored_as_they_are() -> None:
    data = bytes(range(256)) * 100
    message = Message(Role.USER, (ImagePart("image/png", data), FilePart("text/plain", data, "a")))
    assert len(encoded(replace(ONE, messages=(message,)))) < 2 * len(data) + 1000
