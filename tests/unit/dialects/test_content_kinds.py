"""The kinds of content in messages."""

from modegate.dialects.completions import choices_of
from modegate.dialects.content_kinds import kinds_of
from modegate.domain.routing.capability import Capability


def test_images_and_audio_are_found_in_messages_and_input() -> None:
    image = {"type": "image_url", "image_url": {"url": "x"}}
    audio = {"type": "input_audio"}
    assert kinds_of({"messages": [{"content": [image, audio, image]}]}) == [
        Capability.IMAGE,
        Capability.AUDIO,
    ]
    assert kinds_of({"input": [{"content": [{"type": "input_image"}]}]}) == [Capability.IMAGE]
    output = {"type": "function_call_output", "output": [{"type": "input_image"}]}
    assert kinds_of({"input": [output]}) == [Capability.IMAGE]


def test_text_and_malformed_messages_have_no_other_kind() -> None:
    for messages in (None, 3, [None, 3, {"content": "x"}, {"content": [{"type": ["image_url"]}]}]):
        assert kinds_of({"messages": messages, "input": "image_url"}) == []


def test_completions_have_n_choices_for_each_prompt() -> None:
    assert choices_of({"prompt": "a"}) == 1
    assert choices_of({"prompt": ["a", "b"], "n": 3}) == 6
    assert choices_of({"prompt": [1, 2, 3], "n": 2}) == 2
    assert choices_of({"prompt": [[1, 2], [3]]}) == 2
