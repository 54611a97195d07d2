"""The model in a form."""

import pytest

from modegate.dialects.forms import find_model

TYPE = 'multipart/form-data; boundary="b-1"'
FILE = b'--b-1\r\nContent-Disposition: form-data; name="file"; filename="model"\r\n\r\nname="model"\r\n'
MODEL = b'--b-1\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
END = b"--b-1--\r\n"


@pytest.mark.parametrize("body", [MODEL + END, FILE + MODEL + END, MODEL + FILE + END])
def test_the_field_is_found_with_its_place(body: bytes) -> None:
    found = find_model(TYPE, body, ended=True)
    assert found is not None
    assert found.value == "whisper-1"
    assert body[found.start : found.end] == b"whisper-1"


@pytest.mark.parametrize(
    "body",
    [
        FILE + END,
        MODEL[:-6],
        MODEL[:40],
        MODEL.replace(b'name="model"', b'name="model"; filename="x"') + END,
        MODEL.replace(b'name="model"', b'name="models"') + END,
        MODEL.replace(b"whisper-1", b"x" * 257) + END,
        b"",
    ],
)
def test_a_file_a_part_of_a_field_and_another_field_are_no_model(body: bytes) -> None:
    assert find_model(TYPE, body, ended=True) is None


def test_every_prefix_finds_nothing_or_the_whole_name() -> None:
    body = FILE + MODEL + END
    found = [find_model(TYPE, body[:n], ended=False) for n in range(len(body))]
    assert {it.value for it in found if it is not None} == {"whisper-1"}


def test_a_url_encoded_form_is_read_too() -> None:
    kind = "application/x-www-form-urlencoded"
    found = find_model(kind, b"a=1&model=stt%2Fx&b=2", ended=False)
    assert found is not None
    assert (found.value, found.encode("a b")) == ("stt/x", b"a+b")
    assert find_model(kind, b"model=stt", ended=False) is None
    assert find_model(kind, b"a=model=x", ended=True) is None


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data", ""])
def test_other_bodies_name_no_model(kind: str) -> None:
    assert find_model(kind, MODEL + END, ended=True) is None
