"""The step that fetches the images that messages link to."""

from dataclasses import dataclass, replace

from modegate.application.ports.media_fetcher import FetchError, MediaFetcher
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import ImagePart, LinkedImage, Message, Part
from modegate.domain.errors.catalogue import media as errors
from modegate.domain.media.parts import check_total, image_part
from modegate.domain.media.policy import MediaPolicy

# Links of one request; each is fetched after the one before.
MAX_LINKS = 20


@dataclass(frozen=True, slots=True)
class FetchImages:
    """Replaces links to images by the images."""

    fetcher: MediaFetcher

    async def execute(self, conversation: Conversation, policy: MediaPolicy) -> Conversation:
        """Returns the conversation with all images; the same one if it links to none.

        Raises:
            InvalidRequestError: an image cannot be fetched, is broken or too large.
            PayloadTooLargeError: all images and files together are too large.
        """
        links = [it for message in conversation.messages for it in message.links]
        if not links:
            return conversation
        if len(links) > MAX_LINKS:
            raise errors.too_many_links(links[MAX_LINKS].where, MAX_LINKS)
        fetched: dict[LinkedImage, ImagePart] = {}
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

    async def _fetch(self, link: LinkedImage, policy: MediaPolicy) -> ImagePart:
        try:
            data = await self.fetcher.fetch(link.url, policy)
        except FetchError as error:
            raise errors.not_fetched(link.where, str(error)) from None
        return image_part(data, link.where, policy)


def _replaced(part: Part, fetched: dict[LinkedImage, ImagePart]) -> Part:
    return fetched[part] if isinstance(part, LinkedImage) else part
