"""Maps the tables of upstreams to the domain."""

from collections.abc import Mapping

from modegate.domain.credentials.error_rules import Action, ErrorRule
from modegate.domain.routing.upstream import Upstream, UpstreamKind
from modegate.entrypoints.config.upstreams.credentials import credential_of
from modegate.entrypoints.config.upstreams.tables import ErrorRuleSettings, UpstreamSettings

OPENAI_URL = "https://api.openai.com/v1"
URLS = {UpstreamKind.OPENAI: OPENAI_URL, UpstreamKind.ANTHROPIC: "https://api.anthropic.com"}


def upstream_of(name: str, table: UpstreamSettings, environment: Mapping[str, str]) -> Upstream:
    """Returns the upstream of a table; without an address it is that of its API's vendor.

    Raises:
        SecretError: a credential has no usable key.
    """
    return Upstream(
        name=name,
        base_url=table.base_url or URLS[table.kind],
        credentials=tuple(credential_of(row, environment) for row in table.credentials),
        kind=table.kind,
        strategy=table.strategy,
        models=table.models,
        prefix=table.prefix,
        model_aliases=table.model_aliases,
        headers=table.headers,
        drop_params=frozenset(table.drop_params),
        capabilities=frozenset(table.capabilities),
        repair_tool_ids=table.repair_tool_ids,
        usage_in_streams=table.usage_in_streams and table.kind is UpstreamKind.OPENAI,
        has_batches=table.batches == "upstream",
        has_responses=table.responses if isinstance(table.responses, bool) else None,
        default_max_tokens=table.default_max_tokens,
        error_rules=tuple(map(_rule, table.error_rules)),
    )


def _rule(row: ErrorRuleSettings) -> ErrorRule:
    return ErrorRule(
        then=row.then or Action.STOP,
        status=row.status,
        contains=row.contains,
        for_s=row.for_s,
    )
