"""The CLI's folder for temporary files, one for each session.

By default it is `/tmp/claude-UID`, where files outlive their session. The CLI stores each image of
a user's message there too, at `claude-UID/PROJECT/SESSION/images`, and tells the model the path,
which holds that of the state folder. If it cannot make the folder `images`, it stores nothing and
tells no path; the image itself is sent as before (measured on 2.1.329). Images in the results of a
client's tools go to the folder `tool-results` beside the transcript in the same way.
"""

import os
from pathlib import Path

from modegate.adapters.claude_cli.session_folder.moved_transcript import project_of
from modegate.adapters.claude_cli.session_folder.session_directory import SessionDirectory

COPIES, RESULTS = "images", "tool-results"


def prepare_temporary_files(folder: SessionDirectory, cli_session_id: str) -> Path:
    """Makes the session's folder for temporary files, so that the CLI cannot store images.

    Returns its path, for `CLAUDE_CODE_TMPDIR`. Idempotent.

    Raises:
        OSError: the folder cannot be written.
    """
    path = folder.temporary
    for name in (f"claude-{os.getuid()}", project_of(folder.work), cli_session_id):
        path.mkdir(mode=0o700, exist_ok=True)
        path /= name
    path.mkdir(mode=0o700, exist_ok=True)
    (path / COPIES).touch(mode=0o600)
    results = folder.config / "projects" / project_of(folder.work) / cli_session_id
    results.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (results / RESULTS).is_dir():
        (results / RESULTS).touch(mode=0o600)
    return folder.temporary
