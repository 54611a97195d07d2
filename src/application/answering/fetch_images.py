"""The step that fetches the images and files that messages link to."""

from dataclasses import replace

from modegate.application.ports.media_fetcher import FetchError, MediaFetcher
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import (
    FilePart,
    ImagePart,
    Linked,
    LinkedImage,
    Message,
    Part,
)
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.media.parts import check_total, file_part, image_part
from modegate.domain.media.policy import MediaPolicy
from modegate.lazy_dataclass import dataclass

# Links of one request; each is fetched after the one before.
MAX_LINKS = 20


@dataclass(frozen=True, slots=True)
class FetchImages:
    """Replaces links to images and files by these."""

    fetcher: MediaFetcher

    async def execute(self, conversation: Conversation, policy: MediaPolicy) -> Conversation:
        """Returns the conversation with all images and files; the same one if it links to none.

        Raises:
            InvalidRequestError: an image or a file cannot be fetched, is broken or too large.
            PayloadTooLargeError: all images and files together are too large.
        """
        links = [it for message in conversation.messages for it in message.links]
        if not links:
            return conversation
        if len(links) > MAX_LINKS:
            raise errors.too_many_links(links[MAX_LINKS].where, MAX_LINKS)
        fetched: dict[Linked, ImagePart | FilePart] = {}
        messages = conversation.messages
        for link in links:
            fetched[link] = await self._fetch(link, policy)
            check_total((Message(messages[0].role, tuple(fetched.values())),), policy)
        changed = tuple(
            replace(it, parts=tuple(_replaced(part, fetched) for part in it.parts))
            for it in messages
        )
        check_total(changed, policy)
        return replace(conversation, messages=changed)

    async def _fetch(self, link: Linked, policy: MediaPolicy) -> ImagePart | FilePart:
        is_image = isinstance(link, LinkedImage)
        bounds = policy if is_image else replace(policy, max_image_bytes=policy.max_bytes)
        try:
            data = await self.fetcher.fetch(link.url, bounds)
        except FetchError as error:
            raise errors.not_fetched(link.where, str(error)) from None
        if isinstance(link, LinkedImage):
            return image_part(data, link.where, policy)
        return file_part(data, link.name, link.where, policy)


def _replaced(part: Part, fetched: dict[Linked, ImagePart | FilePart]) -> Part:
    return fetched[part] if isinstance(part, Linked) else part
