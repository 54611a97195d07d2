"""The resources of files and batches, in front of those that relay."""

from collections.abc import Callable, Mapping

from modegate.application.batches.manage_batches import ManageBatches
from modegate.application.batches.manage_files import ManageFiles
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.entrypoints.http.middleware.authentication import Authenticator
from modegate.entrypoints.http.resources.batches.batches import Batches, OneBatch
from modegate.entrypoints.http.resources.batches.files import Files, OneFile
from modegate.entrypoints.http.resources.batches.ownership import Own
from modegate.entrypoints.http.resources.relayed import Relayed, RelayOptions
from modegate.lazy_dataclass import dataclass

FILES, BATCHES = "/v1/files", "/v1/batches"
REST = "/{path:path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchUseCases:
    """The use cases of files and batches."""

    files: ManageFiles
    batches: ManageBatches
    configuration: ConfigurationSource


def batch_routes(
    use_cases: BatchUseCases,
    authenticator: Authenticator,
    options: Callable[[], RelayOptions],
    relayed: Mapping[str, Relayed],
) -> Mapping[str, object]:
    """Returns the resource of each path template; `relayed` has the resources that relay."""
    own = Own(configuration=use_cases.configuration, authenticator=authenticator, options=options)
    return {
        FILES: Files(use_cases.files, own, relayed[FILES]),
        FILES + REST: OneFile(use_cases.files, own, relayed[FILES + REST]),
        BATCHES: Batches(use_cases.batches, own, relayed[BATCHES]),
        BATCHES + REST: OneBatch(use_cases.batches, own, relayed[BATCHES + REST]),
    }
