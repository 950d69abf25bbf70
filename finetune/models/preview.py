"""The preview of a model on the Hub before its download: what the Hub says of it, and the inspection of its outline.

A preview is made in a thread of its own and kept for some minutes, so that nobody waits longer than they want to for a
Hub that is slow, and nothing is asked twice.
"""

import logging
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from finetune.adapters import Adapter
from finetune.errors import FinetuneError, ModelError, UnreachableError
from finetune.models.download import missing
from finetune.models.inspection import Inspection, inspect, require_suited
from finetune.models.locate import downloaded, is_hub, require_safe
from finetune.models.outline import draw
from finetune.models.remote import Remote, look_up, recent
from finetune.models.tokenizer import require_template
from finetune.recipe import ModelSettings
from finetune.runs.workspace import Workspace

log = logging.getLogger(__name__)

PATIENCE_S = 12.0
"""How long a person waits for a preview."""
KEPT_S, UNREACHABLE_KEPT_S = 600.0, 20.0
"""How long a preview counts, and how long it does that the Hub did not answer."""


@dataclass(frozen=True)
class Preview:
    """What is known of a model on the Hub that is not on this machine."""

    remote: Remote | None = None
    """None if the Hub did not answer, or has no such model."""
    folder: Path | None = None
    """Its outline, where there is one."""
    inspection: Inspection | None = None
    problem: ModelError | None = None
    """Why it cannot be trained; an ``UnreachableError`` if it merely could not be inspected."""

    @property
    def is_refused(self) -> bool:
        """True if it cannot be trained, so that it makes no sense to download it."""
        return self.problem is not None and not isinstance(self.problem, UnreachableError)


@dataclass
class _Making:
    """A preview that is made now, or was."""

    began: float = field(default_factory=time.monotonic)
    ready: threading.Event = field(default_factory=threading.Event)
    preview: Preview | None = None

    @property
    def counts(self) -> bool:
        """True unless it is too old."""
        is_unreachable = self.preview and self.preview.problem and not self.preview.is_refused
        return time.monotonic() - self.began < (UNREACHABLE_KEPT_S if is_unreachable else KEPT_S)


_made: dict[tuple[str, str | None], _Making] = {}
_making = threading.Lock()


def preview(settings: ModelSettings, patience_s: float = PATIENCE_S) -> Preview:
    """The preview of a model of the Hub; after ``patience_s`` one that says that the Hub is slow."""
    with _making:
        key = settings.id, settings.revision
        if key not in _made or not _made[key].counts:
            _made[key] = _Making()
            threading.Thread(target=_make, args=(settings, _made[key]), name="preview", daemon=True).start()
        making = _made[key]
    if making.ready.wait(patience_s):
        return making.preview
    return Preview(problem=UnreachableError(f"The Hub takes long to answer for {settings.id}.", "Try again later."))


def known(settings: ModelSettings) -> Preview | None:
    """The preview of a model of the Hub if one was made; nobody waits for it."""
    making = _made.get((settings.id, settings.revision))
    return making.preview if making and making.counts else None


def forget() -> None:
    """Forget all previews."""
    _made.clear()


def folder_of(settings: ModelSettings, workspace: Workspace) -> Path | None:
    """The folder by which memory can be estimated: the model, or its outline; None if neither is on this machine."""
    if folder := downloaded(settings, workspace):
        return folder
    found = known(settings)
    return found.folder if found else None


def is_described(settings: ModelSettings, workspace: Workspace) -> bool:
    """True if config and tokenizer of a model are on this machine, or it is none of the Hub."""
    if not is_hub(settings, workspace) or downloaded(settings, workspace):
        return True
    remote = recent(settings)
    return remote is not None and not missing(remote, remote.small)


def require_trainable(settings: ModelSettings, adapter: Adapter, workspace: Workspace) -> None:
    """``ModelError`` if it is known that a model cannot be trained with ``adapter``; nobody waits for the Hub."""
    if folder := downloaded(settings, workspace):
        require_suited(adapter, inspect(folder, settings.id))
    elif found := known(settings):
        if found.is_refused:
            raise found.problem
        if found.inspection:
            require_suited(adapter, found.inspection)


def inspect_before_run(settings: ModelSettings, workspace: Workspace, is_asked: bool = True) -> Inspection | None:
    """What a model is that a run needs, wherever it is; ``ModelError`` if it cannot be read, or not trained.

    None for a model of the Hub that cannot be reached: the run inspects it after the download. A model that nobody asks
    (``is_asked=False``), as a teacher, needs no chat template.
    """
    if folder := downloaded(settings, workspace):
        found = Preview(folder=folder, inspection=inspect(folder, settings.id))
    else:
        found = preview(settings)
    if found.is_refused:
        raise found.problem
    if found.inspection and is_asked and settings.chat_template == "own":
        require_template(found.folder, settings.id)
    return found.inspection


def _make(settings: ModelSettings, making: _Making) -> None:
    remote = folder = inspection = problem = None
    try:
        remote = look_up(settings)
        outline = draw(remote, Path(tempfile.mkdtemp(dir=_outlines().name)))
        require_safe(outline, settings.id)
        inspection, folder = inspect(outline, settings.id), outline
    except ModelError as error:
        problem = error
    except FinetuneError as error:
        problem = UnreachableError(error.message, error.hint)
    except Exception:  # nobody is there to raise it to; a run meets it again
        log.exception("%s could not be inspected.", settings.id)
        problem = UnreachableError(f"{settings.id} could not be inspected.", "A run of it says more.")
    making.preview = Preview(remote, folder, inspection, problem)
    making.ready.set()


@cache
def _outlines() -> tempfile.TemporaryDirectory:
    """The folder of all outlines, which goes with this process."""
    return tempfile.TemporaryDirectory(prefix="finetune-outlines-")
