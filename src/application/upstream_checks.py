"""Checks whether an upstream can process a request."""

from collections.abc import Mapping

from modegate.dialects.content_kinds import kinds_of
from modegate.domain.errors.catalogue import routing as errors
from modegate.domain.routing.capability import Capability
from modegate.domain.routing.upstream import Upstream, UpstreamKind


def check_upstream(
    upstream: Upstream,
    capability: Capability,
    params: Mapping[str, object],
    kind: UpstreamKind = UpstreamKind.OPENAI,
) -> None:
    """Checks the kind of the upstream and its capabilities, also for the content of messages.

    Raises:
        UnsupportedEndpointError: if the upstream speaks another API.
        UnsupportedCapabilityError: if the upstream lacks a capability.
    """
    if upstream.kind is not kind:
        raise errors.other_kind(upstream.kind)
    if not upstream.limits_chat:
        return
    check_capabilities(upstream, capability, params)


def check_capabilities(
    upstream: Upstream, capability: Capability, params: Mapping[str, object]
) -> None:
    """Checks the capabilities of an upstream whose API is translated.

    Raises:
        UnsupportedCapabilityError: if the upstream lacks a capability.
    """
    for needed in (capability, *kinds_of(params)):
        if needed not in upstream.capabilities:
            raise errors.lacks_capability(needed, upstream.capabilities)
