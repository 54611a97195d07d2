"""Images and files in messages."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pictures import (
    GIF,
    IMAGES,
    JPEG,
    PDF,
    PNG,
    WEBP,
    WEBP_LOSSLESS,
    data_url,
    file,
    image,
    png,
    text,
    with_png_size,
)

from modegate.dialects.chat.messages import parse_messages
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedImage,
    Part,
    TextPart,
)
from modegate.domain.errors import (
    InvalidRequestError,
    PayloadTooLargeError,
    RequestError,
    UnsupportedParameterError,
)
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy

SMALL = MediaPolicy(max_bytes=3000, max_image_bytes=2000)
OPEN = MediaPolicy(hosts=("*.example.org", "example.com"), private_hosts=("127.0.0.1",))
WIDE_GIF = b"GIF89a" + (9000).to_bytes(2, "little") + b"\x01\x00" + GIF[10:]
WIDE_JPEG = b"\xff\xd8\xff\xff\xc2\x00\x0b\x08\x00\x01\x23\x28\x01\x01\x11\x00"
WIDE_WEBP = WEBP[:12] + b"VP8X" + bytes(8) + (8999).to_bytes(3, "little") + bytes(3)


def parts_of(*content: object, media: MediaPolicy = DEFAULT_MEDIA) -> tuple[Part, ...]:
    (message,) = parse_messages([{"role": "user", "content": [*content]}], media).messages
    return message.parts


@pytest.mark.parametrize(("kind", "data"), [*IMAGES.items(), ("image/webp", WEBP_LOSSLESS)])
def test_the_kind_of_an_image_is_that_of_its_bytes(kind: str, data: bytes) -> None:
    for named in ("image/png", "image/webp", "application/octet-stream", ""):
        assert parts_of(image(data, named, detail="low")) == (ImagePart(kind, data),)


def test_an_image_alone_is_a_question_and_parts_keep_their_order() -> None:
    assert parts_of(image(PNG)) == (ImagePart("image/png", PNG),)
    assert parts_of(text("a"), text("b"), image(GIF), text("c"), image(PNG), text("")) == (
        TextPart("ab"),
        ImagePart("image/gif", GIF),
        TextPart("c"),
        ImagePart("image/png", PNG),
    )


@pytest.mark.parametrize(
    "url",
    [
        " DATA:image/png;charset=x;BASE64," + base64.b64encode(PNG).decode(),
        "data:;base64," + base64.encodebytes(PNG).decode(),
    ],
)
def test_data_urls_may_be_written_in_several_ways(url: str) -> None:
    assert parts_of({"type": "image_url", "image_url": {"url": url}}) == parts_of(image(PNG))
    assert parts_of({"type": "image_url", "image_url": url}) == parts_of(image(PNG))


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        (PDF, "a\r\nb.pdf", FilePart("application/pdf", PDF, "a b.pdf")),
        (b"\xef\xbb\xbfa;b", "x" * 300, FilePart("text/plain", b"a;b", "x" * 200)),
        ("Grüße".encode(), "", FilePart("text/plain", "Grüße".encode())),
        (PNG, "report.pdf", ImagePart("image/png", PNG)),
    ],
)
def test_the_kind_of_a_file_is_that_of_its_bytes(data: bytes, name: str, expected: Part) -> None:
    in_base64 = base64.b64encode(data).decode()
    for written in (in_base64, data_url(data, "image/png")):
        value = {"file_data": written, "filename": name}
        assert parts_of({"type": "file", "file": value}) == (expected,)


def test_results_of_tools_may_show_images() -> None:
    for role in ("tool", "function"):
        result = {"role": role, "content": [text("See:"), image(PNG)], "tool_call_id": "1"}
        parsed = parse_messages([{"role": "user", "content": "Hi"}, result]).messages[1]
        assert parsed.parts == (TextPart("See:"), ImagePart("image/png", PNG))
        assert (parsed.text, parsed.has_media, parsed.call_id) == ("See:", True, "1")


def test_remote_images_are_links() -> None:
    url = "https://example.com/a.png?key=secret"
    (found,) = parts_of(url_part(f" {url}"), media=OPEN)
    assert found == LinkedImage(url, "messages[0].content[0].image_url")


def test_no_part_shows_its_data_or_its_address() -> None:
    link = url_part("https://example.com/secret")
    shown = repr(parts_of(image(PNG), file(b"secret"), link, media=OPEN))
    assert "IHDR" not in shown
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://a.b.example.org/x", True),
        ("HTTPS://EXAMPLE.COM./x", True),
        ("http://127.0.0.1:80/x", True),
        ("http://example.com/x", False),
        ("https://example.org/x", False),
        ("https://badexample.org/x", False),
        ("https://example.com.evil.net/x", False),
    ],
)
def test_images_are_linked_from_named_hosts_only(url: str, *, allowed: bool) -> None:
    assert (fault_of(url_part(url), OPEN) is None) == allowed
    assert fault_of(url_part(url)) is not None


def url_part(url: object) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def file_part(**value: object) -> dict[str, object]:
    return {"type": "file", "file": value}


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"type": "image_url"}, "object with a url"),
        (url_part(""), "object with a url"),
        (url_part(3), "object with a url"),
        (url_part("ftp://example.com/a.png"), "data URL"),
        (url_part("file:///etc/passwd"), "data URL"),
        (url_part("https://"), "data URL"),
        (url_part("https://[::1/"), "data URL"),
        (url_part("https://a:b@example.com/"), "data URL"),
        (url_part("https://example.com:x/"), "data URL"),
        (url_part("https://example.com/a.png"), "allow its host"),
        (url_part("data:image/png,abc"), "base64"),
        (url_part("data:image/png;base64,"), "empty"),
        (url_part("data:image/png;base64,%%%%"), "broken base64"),
        (url_part(data_url(PNG)[:-3]), "broken base64"),
        (url_part("data:image/png;base64,aGVsbG8\ud83d"), "broken base64"),
        (image(b"hello"), "PNG, JPEG, GIF or WebP"),
        (image(PDF), "PNG, JPEG, GIF or WebP"),
        (image(b"<svg/>", "image/svg+xml"), "PNG, JPEG, GIF or WebP"),
        (image(PNG[:20]), "broken"),
        (image(JPEG[:30], "image/jpeg"), "broken"),
        (image(GIF[:8]), "broken"),
        (image(WEBP[:20]), "broken"),
        (image(with_png_size(0, 5)), "broken"),
        (image(with_png_size(8001, 1)), "8000 pixels"),
        (image(with_png_size(1, 2**31)), "8000 pixels"),
        (image(WIDE_GIF), "8000 pixels"),
        (image(WIDE_JPEG), "8000 pixels"),
        (image(WIDE_WEBP), "8000 pixels"),
        (image(png(40, 40, noise=True)), "larger than 2000 bytes"),
        ({"type": "file"}, "file_data"),
        ({"type": "file", "file": "x"}, "file_data"),
        (file_part(filename="a.pdf"), "file_data"),
        (file_part(file_data=3), "file_data"),
        (file_part(file_data=""), "empty"),
        (file(b" \n", "a.txt"), "empty"),
        (file(b"\x00\x01", "a.txt"), "PDF"),
        (file(b"PK\x03\x04\xff", "a.docx"), "PDF"),
        (file("ü".encode("latin-1"), "a.txt"), "UTF-8"),
        (file(with_png_size(8001, 1), "a.pdf"), "8000 pixels"),
        (file(png(40, 40, noise=True), "a.png"), "larger than 2000 bytes"),
        (file(b"x" * 500_001), "500000 characters"),
    ],
)
def test_a_broken_image_or_file_raises_an_error_that_names_the_part(part: Any, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words) as caught:
        parts_of(text("What?"), part, media=SMALL)
    assert caught.value.param == f"messages[0].content[1].{part['type']}"


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (file_part(file_id="file-1"), "file.file_id"),
        ({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}, "input_audio"),
    ],
)
def test_uploaded_files_and_sounds_are_unsupported(part: object, param: str) -> None:
    with pytest.raises(UnsupportedParameterError) as caught:
        parts_of(part)
    assert caught.value.param == f"messages[0].content[0].{param}"


@pytest.mark.parametrize("role", ["system", "developer", "assistant"])
def test_only_users_and_tools_may_send_media(role: str) -> None:
    said = [{"role": "user", "content": "Hi"}, {"role": role, "content": [image(PNG)]}]
    with pytest.raises(InvalidRequestError, match="users") as caught:
        parse_messages(said)
    assert caught.value.param == "messages[1].content[0].image_url"


def test_all_media_of_a_request_count_together() -> None:
    noise = png(24, 24, noise=True)
    assert 1500 < len(noise) < 2000
    parts_of(image(noise), file(b"x" * 1000), media=SMALL)
    with pytest.raises(PayloadTooLargeError, match="3000 bytes"):
        parts_of(image(noise), image(noise), media=SMALL)


def fault_of(part: object, media: MediaPolicy = SMALL) -> str | None:
    """Returns the parameter that an error names; None if the part is valid."""
    try:
        parts_of(part, media=media)
    except RequestError as error:
        return error.param
    return None


@given(data=st.sampled_from([PNG, JPEG, GIF, WEBP, WEBP_LOSSLESS, PDF]), cut=st.data())
def test_a_cut_file_is_an_image_or_a_clear_error(data: bytes, cut: st.DataObject) -> None:
    first = cut.draw(st.integers(0, len(data)))
    head = data[:first] + cut.draw(st.binary(max_size=40))
    assert fault_of(file(head)) in (None, "messages[0].content[0].file")


@given(value=st.text(max_size=200) | st.binary(max_size=100).map(data_url))
def test_any_url_is_a_part_or_a_clear_error(value: str) -> None:
    assert fault_of(url_part(value)) in (None, "messages[0].content[0].image_url")
