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
from modegate.domain.conversation.runs import Run, RunKind
from modegate.domain.conversation.thought import Thought
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
THOUGHTS = st.lists(st.builds(Thought, TEXTS, TEXTS, TEXTS, TEXTS, st.booleans()), max_size=2).map(
    tuple
)
RUNS = st.lists(st.builds(Run, st.sampled_from(RunKind), NUMBERS), max_size=3).map(tuple)
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
    thoughts=THOUGHTS,
    runs=RUNS,
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
    thoughts=THOUGHTS,
    stop_text=st.none() | TEXTS,
    runs=RUNS,
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
# Written by version 2. Gateways of one version read it for as long as they write it.
STORED = (
    "0203e573dc0000015478017552cb6ac4300cfc179ddd77a1902fe8bdc72518e3a889a963075b610bcbfe7b477975"
    "29f462e3b1469e19f942a1a3860ad7c98ebd7d22433e064e02d0750ec7cfe246a6e6423e8f53640939d985e30727"
    "1ed0dd422aec84d1eacdd0983b8ee0d79c120b5a54aef5a0550089cf7603a9f974b1b2a1907c9c3bb673753ddedb"
    "d13ee5a27d4f2d68505221e58aea15b7927304a4b7ec87ac957a5d877cae169aa021a49e1a2933de980a3c08485f"
    "9cc07a34b4f1d31c2368bf16d5b0f0b7c6f01eee358690421db6966a4ef20478537bf9dbfae5b6d9f1e03350e707"
    "ee0e0412b84a18d7f036d34b8d3d97207c5b78d8b9057dae82cce07bf710c39eed3227850d067c444190ed5ddc63"
    "db925c339421cffd205ba2ead1ae296ccd91bf8e47ef4ff0ce85cc893e987583090c0ea3d1fd6142eae6b56d0d46"
    "b3485896d5e0496172f814551cbe1a0e1af27fb5edf5074c60ea4889504e47"
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
    with pytest.raises(ValueError, match=r".+"):
        decode_response(PREFIX.pack(encoded(ONE)[0], zlib.crc32(content)) + content)


def test_a_value_of_another_version_is_no_response() -> None:
    with pytest.raises(ValueError, match="another version"):
        decode_response(struct.pack(">B", 99) + encoded(ONE)[1:])


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
