"""Images are fetched before the turn."""

import pytest
from support.fetching import FakeFetcher
from support.pictures import GIF, PDF, PNG

from modegate.application.answering.fetch_images import MAX_LINKS, FetchImages
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    LinkedFile,
    LinkedImage,
    Message,
    Part,
    Role,
    TextPart,
)
from modegate.domain.errors import InvalidRequestError, PayloadTooLargeError
from modegate.domain.media.policy import DEFAULT_MEDIA, MediaPolicy

A, B = "https://example.com/a?key=secret", "https://example.com/b"
FETCHER = {A: PNG, B: GIF, "https://example.com/page": b"<html>"}


def link(url: str, where: str = "messages[0].content[0].image_url") -> LinkedImage:
    return LinkedImage(url, where)


def asking(*parts: Part) -> Conversation:
    return Conversation((Message(Role.USER, parts), Message(Role.TOOL, parts[:1], call_id="1")))


async def test_links_are_replaced_in_their_places() -> None:
    fetcher = FakeFetcher(FETCHER)
    given = asking(link(A), TextPart("a"), link(B, "b"), ImagePart("image/png", PNG))
    found = await FetchImages(fetcher).execute(given, DEFAULT_MEDIA)
    png, gif = ImagePart("image/png", PNG), ImagePart("image/gif", GIF)
    assert found == asking(png, TextPart("a"), gif, png)


async def test_files_may_be_as_large_as_all_together_and_images_in_them_may_not() -> None:
    url, policy = "https://example.com/r", MediaPolicy(max_image_bytes=10, max_bytes=9_999)
    linked = asking(LinkedFile(url, "part", "r.pdf"))
    found = await FetchImages(FakeFetcher({url: PDF})).execute(linked, policy)
    assert found.messages[0].parts == (FilePart("application/pdf", PDF, "r.pdf"),)
    with pytest.raises(InvalidRequestError, match="larger than 10 bytes"):
        await FetchImages(FakeFetcher({url: PNG})).execute(linked, policy)


async def test_without_links_nothing_is_fetched() -> None:
    given, fetcher = asking(TextPart("a")), FakeFetcher()
    assert await FetchImages(fetcher).execute(given, DEFAULT_MEDIA) is given
    assert fetcher.asked == []


@pytest.mark.parametrize(
    ("url", "words"),
    [("https://example.com/none", "did not answer in time"), ("https://example.com/page", "PNG")],
)
async def test_a_failure_names_the_part_and_no_url(url: str, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words) as caught:
        await FetchImages(FakeFetcher(FETCHER)).execute(asking(link(url)), DEFAULT_MEDIA)
    assert caught.value.param == "messages[0].content[0].image_url"
    assert "example" not in str(caught.value)


async def test_links_are_bounded() -> None:
    many = [link(f"{B}{i}", f"part {i}") for i in range(MAX_LINKS + 1)]
    fetcher = FakeFetcher(FETCHER)
    with pytest.raises(InvalidRequestError, match="20"):
        await FetchImages(fetcher).execute(asking(*many), DEFAULT_MEDIA)
    assert fetcher.asked == []
    small = MediaPolicy(max_bytes=len(PNG))
    with pytest.raises(PayloadTooLargeError):
        await FetchImages(fetcher).execute(asking(link(A), link(B)), small)
