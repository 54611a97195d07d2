"""What spans and metrics say about the process that they come from."""

from importlib.metadata import version
from uuid import uuid4

from opentelemetry.sdk.resources import (
    SERVICE_INSTANCE_ID,
    SERVICE_NAME,
    SERVICE_VERSION,
    OTELResourceDetector,
    Resource,
)

# Workers would otherwise send different values of one series. Each imports this module on its own.
INSTANCE = str(uuid4())


def gateway_resource() -> Resource:
    """Returns the resource of this process; `OTEL_RESOURCE_ATTRIBUTES` takes precedence."""
    named = Resource(
        {
            SERVICE_NAME: "modegate",
            SERVICE_VERSION: version("modegate"),
            SERVICE_INSTANCE_ID: INSTANCE,
        }
    )
    return named.merge(OTELResourceDetector().detect())
