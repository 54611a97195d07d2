"""The content of messages as blocks."""

import base64

import pytest
from support.pictures import GIF, PDF, PNG

from modegate.adapters.claude_cli.content import (
    as_plain_text,
    blocks_of,
    content_of,
    fits_mcp,
    result_content,
)
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedImage,
    Message,
    Role,
    TextPart,
    ToolCall,
    text_message,
)

IMAGE = ImagePart("image/png", PNG)
SHOWN = {
    "type": "image",
    "source": {
        "type": "base64",
        "media_type": "image/png",
        "data": base64.b64encode(PNG).decode(),
    },
}


@pytest.mark.parametrize("text", ["/cost", "/", "//x", "/etc/passwd is a file"])
def test_text_starting_with_a_slash_gets_a_leading_newline(text: str) -> None:
    assert as_plain_text(text) == f"\n{text}"


@pytest.mark.parametrize("text", [" /cost", "cost", "a /b", "", "@/etc/passwd", "--help"])
def test_text_not_starting_with_a_slash_is_unchanged(text: str) -> None:
    assert as_plain_text(text) == text


def text(value: str) -> dict[str, object]:
    return {"type": "text", "text": value}


def user(*parts: TextPart | ImagePart | FilePart | LinkedImage) -> Message:
    return Message(Role.USER, parts)


def test_messages_without_media_are_one_text() -> None:
    assert content_of([text_message(Role.USER, "/Hi")]) == "\n/Hi"
    assert content_of([text_message(Role.USER, "Hi")] * 2) == "Hi\n\nHi"


def test_the_parts_of_a_message_become_blocks_in_their_order() -> None:
    message = user(TextPart("/a"), IMAGE, TextPart("b"))
    assert content_of([message]) == [text("\n/a"), SHOWN, text("b")] == blocks_of(message)


def test_the_blocks_of_several_messages_have_role_labels() -> None:
    called = Message(Role.ASSISTANT, (), (ToolCall("1", "look", "{}"),))
    result = Message(Role.TOOL, (IMAGE,), call_id="1")
    silent = Message(Role.ASSISTANT)
    assert content_of([user(TextPart("a"), IMAGE), silent, called, result, user(IMAGE)]) == [
        text("User: a"),
        SHOWN,
        text("\n\nAssistant: [called look with {}]"),
        text("\n\nTool:"),
        SHOWN,
        text("\n\nUser:"),
        SHOWN,
    ]


def test_files_become_documents() -> None:
    pdf = FilePart("application/pdf", PDF, "a.pdf")
    note = FilePart("text/plain", "Grüße".encode())
    assert blocks_of(user(pdf, note)) == [
        {
            "type": "document",
            "source": {
                "type": "base64",
                "media_type": "application/pdf",
                "data": base64.b64encode(PDF).decode(),
            },
            "title": "a.pdf",
        },
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"},
        },
    ]


def test_results_become_content_of_mcp() -> None:
    parts = (TextPart("/a"), ImagePart("image/gif", GIF), FilePart("text/plain", b"b", "b.txt"))
    assert result_content(Message(Role.TOOL, parts, call_id="1")) == [
        text("/a"),
        {"type": "image", "mimeType": "image/gif", "data": base64.b64encode(GIF).decode()},
        text("[File: b.txt]\nb"),
    ]


@pytest.mark.parametrize("convert", [blocks_of, result_content])
def test_a_linked_image_must_have_been_fetched(convert: object) -> None:
    assert callable(convert)
    with pytest.raises(TypeError):
        convert(user(LinkedImage("https://example.com/a.png", "messages[0]")))


def test_a_pdf_does_not_fit_into_mcp() -> None:
    text_file = FilePart("text/plain", b"b", "b.txt")
    assert fits_mcp(Message(Role.TOOL, (text_file, TextPart("a"))))
    assert not fits_mcp(Message(Role.TOOL, (text_file, FilePart("application/pdf", PDF, "a.pdf"))))
