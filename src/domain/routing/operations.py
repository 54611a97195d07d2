"""The table of relayed operations; paths are relative to the version, such as `/v1`."""

from collections.abc import Iterable, Iterator, Sequence

from modegate.domain.routing.capability import Capability
from modegate.domain.routing.operation import Operation, Spending, StreamForm
from modegate.domain.routing.upstream import UpstreamKind

POST = frozenset({"POST"})
KEPT = frozenset({"GET", "POST", "DELETE"})
ANY_METHOD = KEPT | {"PUT", "PATCH"}
REST = "{path:path}"
WILDCARD = "*"


def _asked(
    template: str,
    capability: Capability = Capability.TEXT,
    spending: Spending = Spending.NOTHING,
) -> Operation:
    """Returns a computation whose body has to be JSON."""
    return Operation(
        template=template,
        methods=POST,
        capability=capability,
        needs_json=True,
        spending=spending,
    )


def _kept(template: str, methods: frozenset[str] = KEPT) -> Operation:
    """Returns an operation on what the upstream keeps."""
    return Operation(template=template, methods=methods, keeps_state=True)


def _family(name: str, methods: frozenset[str] = KEPT) -> Iterator[Operation]:
    """Yields the operations on a collection, and on everything below it."""
    yield _kept(name, methods)
    yield _kept(f"{name}/{REST}", methods)


def _responses(
    template: str, spending: Spending = Spending.TOKENS, *, is_translatable: bool = False
) -> Operation:
    return Operation(
        template=template,
        methods=POST,
        needs_json=True,
        is_conversation=True,
        is_translatable=is_translatable,
        stream_form=StreamForm.RESPONSES,
        spending=spending,
    )


OPERATIONS: Sequence[Operation] = (
    _responses("/responses", is_translatable=True),
    _responses("/responses/compact"),
    _responses("/responses/input_tokens", Spending.NOTHING),
    Operation(
        template="/responses/{response_id}",
        methods=frozenset({"GET", "DELETE"}),
        keeps_state=True,
        stream_form=StreamForm.RESPONSES,
    ),
    _kept("/responses/{response_id}/cancel", POST),
    _kept("/responses/{response_id}/input_items", frozenset({"GET"})),
    Operation(
        template="/completions",
        methods=POST,
        needs_json=True,
        stream_form=StreamForm.CHUNKS,
        spending=Spending.TOKENS,
    ),
    _asked("/embeddings", Capability.EMBEDDINGS, Spending.TOKENS),
    _asked("/moderations"),
    Operation(
        template="/images/{action}",
        methods=POST,
        capability=Capability.IMAGE,
        spending=Spending.REPORTED,
    ),
    *_family("/audio/voices"),
    *_family("/audio/voice_consents"),
    Operation(
        template="/audio/{action}",
        methods=POST,
        capability=Capability.AUDIO,
        spending=Spending.REPORTED,
    ),
    *_family("/files"),
    *_family("/uploads"),
    *_family("/batches"),
    *_family("/vector_stores"),
    *_family("/conversations"),
)


MESSAGES = Operation(
    template="/messages",
    methods=POST,
    needs_json=True,
    is_conversation=True,
    kind=UpstreamKind.ANTHROPIC,
    stream_form=StreamForm.MESSAGES,
    spending=Spending.TOKENS,
)
COUNT_TOKENS = Operation(
    template="/messages/count_tokens",
    methods=POST,
    needs_json=True,
    is_conversation=True,
    kind=UpstreamKind.ANTHROPIC,
)


def with_patterns(patterns: Iterable[str]) -> Sequence[Operation]:
    """Returns the table with the operator's patterns, which may end with `/*`.

    They count as state that the upstream keeps.
    """
    known = {it.template for it in OPERATIONS}
    added: list[Operation] = []
    for pattern in patterns:
        name = pattern.removesuffix(f"/{WILDCARD}")
        found = list(_family(name, ANY_METHOD))
        added += found if pattern.endswith(WILDCARD) else found[:1]
    return (*OPERATIONS, *(it for it in added if it.template not in known))
