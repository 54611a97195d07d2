"""An upstream for tests, and the server's credential for it."""

from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.upstream import Upstream

CREDENTIAL = Credential("test", ApiKey("sk-test"))
# No request to this address succeeds: port 9 is reserved for discarding.
UPSTREAM = Upstream(name="test", base_url="http://127.0.0.1:9/v1", credentials=(CREDENTIAL,))
