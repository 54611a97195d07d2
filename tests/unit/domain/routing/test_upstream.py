from modegate.domain.access.api_key import ApiKey
from modegate.domain.configuration import Configuration
from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream

A, B, C = (Credential(name, ApiKey(f"sk-{name}")) for name in "abc")
ONE = Upstream(name="one", base_url="http://one/v1", credentials=(A, B))
TWO = Upstream(name="two", base_url="http://two/v1", credentials=(C,))
CONFIGURATION = Configuration(routes=Routes(upstreams=(ONE, TWO), default_upstream="two"))


def test_a_new_credential_changes_its_upstream_only() -> None:
    new = Credential("b", ApiKey("sk-new"))
    changed = CONFIGURATION.with_credentials({"b": new})
    one, two = changed.routes.upstreams
    assert (one.name, one.credentials) == ("one", (A, new))
    assert two is TWO
    assert changed.routes.default_upstream == "two"
    assert ONE.credentials == (A, B)


def test_equal_and_unknown_credentials_change_nothing() -> None:
    equal = Credential("a", ApiKey("sk-a"))
    unknown = Credential("d", ApiKey("sk-d"))
    assert CONFIGURATION.with_credentials({"a": equal, "d": unknown}) is CONFIGURATION
