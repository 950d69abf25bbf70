"""Links that show one view of one run and nothing else: whoever has the secret in the address may see it.

A run's ``links.json`` holds the secret of each view. It is made when someone first asks for the link, and deleting it
ends the link.
"""

import json
import secrets
from hmac import compare_digest

from finetune.runs.run import Run
from finetune.runs.workspace import Workspace

SECRET_BYTES = 16


def link(run: Run, view: str) -> str:
    """The secret under which ``view`` of ``run`` can be seen; the same each time."""
    with run.lock(".links.lock"), run.here():
        known = _read(run)
        if view not in known:
            known[view] = secrets.token_urlsafe(SECRET_BYTES)
            unfinished = run.path / ".links.json"
            unfinished.write_text(json.dumps(known), encoding="utf-8")
            unfinished.replace(run.path / "links.json")
        return known[view]


def linked(workspace: Workspace, view: str, secret: str) -> Run | None:
    """The run whose ``view`` the ``secret`` opens; None if there is none."""
    given = secret.encode("utf-8", "surrogatepass")
    for run in workspace.runs():
        known = _read(run).get(view)
        if known and compare_digest(known.encode(), given):
            return run
    return None


def _read(run: Run) -> dict[str, str]:
    try:
        return json.loads((run.path / "links.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
