"""What a visitor may see and do: the workspace and the queue as the handlers of the page use them.

A handler asks for a run, a file or a change in any way it likes; what is not the visitor's is not there, and what they
may not do raises ``RightsError``. So a handler that forgets to ask can give nothing away.
"""

from collections.abc import Iterable
from pathlib import Path

from finetune.door.visitor import NOBODY, Visitor
from finetune.errors import RightsError
from finetune.recipe import Recipe
from finetune.runs import owners
from finetune.runs.run import Run
from finetune.runs.uploads import Upload
from finetune.runs.workspace import Workspace
from finetune.service.notices import Notices
from finetune.service.preflight import require_runnable
from finetune.service.queue import RunQueue
from finetune.training.trackers import TRACKERS
from finetune.ui import visitor

EVERYONE = Visitor(key="")
"""Where nobody signs in, whoever asks is an owner."""


class Rights:
    """Who asks now, and what that means."""

    def __init__(self, must_sign_in: bool = False, owners_alone: bool = True):
        self.must_sign_in = must_sign_in
        self._owners_are_known = must_sign_in or owners_alone
        """False where anybody may come in, so that an owner is nobody in particular."""
        self._outside = NOBODY if must_sign_in else EVERYONE
        """Who asks outside of an event: where people sign in, nobody; the program has its own workspace and queue."""

    @property
    def visitor(self) -> Visitor:
        """Who asks."""
        return visitor.current() or self._outside

    def require_training(self) -> Visitor:
        """The visitor; ``RightsError`` unless they may upload, train and evaluate."""
        asking = self.visitor
        if not asking.may_train:
            raise RightsError(
                "You may watch and ask here, but not train.", "Ask an owner of this studio for the right."
            )
        return asking

    def require_change(self, run: Run) -> Visitor:
        """The visitor; ``RightsError`` unless ``run`` is theirs to change."""
        asking = self.visitor
        if not asking.may_change(run.owner):
            raise RightsError("This run is not yours to change.", "Ask whoever started it, or an owner of this studio.")
        return asking

    def require_sending(self, judges: Iterable[object]) -> None:
        """``RightsError`` if one of ``judges`` is behind an address and the visitor is not known to be an owner.

        This machine reaches addresses that a visitor does not, and sends them the owner's key.
        """
        is_known = self.visitor.role == "owner" and self._owners_are_known
        if not is_known and any(getattr(each, "endpoint", None) for each in judges):
            raise RightsError("A judge behind an address is asked for owners alone.", "Choose a judge that runs here.")

    def require_own_account(self, token: str | None) -> None:
        """``RightsError`` if a visitor who is not known to be an owner has no access token of their own.

        This machine's account on the Hub is the owner's.
        """
        if token is None and not (self.visitor.role == "owner" and self._owners_are_known):
            raise RightsError(
                "What leaves this machine leaves with the account of whoever asks, and yours is not known.",
                "Sign in with Hugging Face, or ask an owner of this studio.",
            )

    def require_trackers(self, names: Iterable[str]) -> None:
        """``RightsError`` if one of the trackers ``names`` uses an account of this machine, and not for an owner."""
        shared = [TRACKERS[name].title for name in names if TRACKERS[name].is_shared]
        if shared and not (self.visitor.role == "owner" and self._owners_are_known):
            raise RightsError(
                f"{shared[0]} uses this machine's own account, for owners alone.", "Choose tensorboard, or none."
            )


class VisitorsWorkspace(Workspace):
    """The workspace as the visitor of the moment sees it."""

    def __init__(self, path: Path, rights: Rights):
        super().__init__(path)
        self._rights = rights

    @property
    def kept_dir(self) -> Path:
        """A folder of the visitor's own."""
        asking = self._rights.visitor
        if asking.name is None and asking.role == "owner":
            return super().kept_dir
        return super().kept_dir / owners.digest(asking.name or "")

    def runs(self) -> list[Run]:
        """The runs that the visitor may see, newest first."""
        asking = self._rights.visitor
        return [run for run in super().runs() if asking.may_see(run.owner)]

    def create(self, recipe: Recipe, owner: str | None = None) -> Run:
        """A new queued run of the visitor's."""
        return super().create(recipe, self._rights.require_training().name)

    def keep(self, source: Path, name: str, owner: str | None = None) -> str:
        """The path of a copy of an uploaded file, which is then the visitor's."""
        return super().keep(source, name, self._rights.require_training().name)

    def uploads(self, owner: str | None = None) -> list[Upload]:
        """The uploads of the visitor; an owner sees everyone's."""
        return super().uploads(self._bringer)

    def discard(self, path: str, owner: str | None = None) -> None:
        """Delete an upload of the visitor's; an owner deletes everyone's."""
        self._rights.require_training()
        super().discard(path, self._bringer)

    @property
    def _bringer(self) -> str | None:
        """Whose uploads the visitor reaches; None for everyone's."""
        asking = self._rights.visitor
        return None if asking.role == "owner" else asking.name or ""

    def find(self, path: str, trusted: bool = False, owner: str | None = None) -> Path:
        """A data file that the visitor may read: a sample, or an upload of theirs; an owner reads every upload."""
        return super().find(path, False, self._bringer)


class VisitorsQueue(RunQueue):
    """The queue as visitors use it. Its worker is the program's own and asks nobody."""

    def __init__(self, workspace: Workspace, seen: VisitorsWorkspace, rights: Rights, notices: Notices = Notices()):
        self._seen, self._rights = seen, rights
        super().__init__(workspace, notices=notices)

    def submit(self, recipe: Recipe, trusted: bool = False, owner: str | None = None) -> Run:
        """A queued run of the visitor's; all its problems raise one ``RecipeError``."""
        return super().submit(recipe, False, self._rights.require_training().name)

    def require_room(self, owner: str | None = None, more: int = 1) -> None:
        """``RunError`` unless ``more`` runs of the visitor may wait."""
        super().require_room(self._rights.visitor.name, more)

    def require_runnable(self, recipe: Recipe, trusted: bool = False) -> None:
        """Preflight with what the visitor may read."""
        self._rights.require_training()
        self._rights.require_sending(recipe.method.wants().values())
        self._rights.require_trackers(recipe.training.report_to)
        require_runnable(recipe, self._seen, False, self.known)

    def resume(self, run_id: str) -> Run:
        """Queue a run of the visitor's again."""
        return super().resume(self._changed_by_visitor(run_id).id)

    def delete(self, run_id: str) -> None:
        """Delete a run of the visitor's."""
        super().delete(self._changed_by_visitor(run_id).id)

    def move(self, run_id: str, places: int) -> None:
        """Move a queued run of the visitor's among their own; only an owner lets it pass those of others."""
        run, asking = self._changed_by_visitor(run_id), self._rights.visitor
        waiting = self.waiting()
        at = next((place for place, each in enumerate(waiting) if each.id == run.id), 0)
        passed = waiting[max(0, min(at, at + places)) : max(at, at + places) + 1]
        if not all(asking.may_change(each.owner) for each in passed):
            raise RightsError("Only an owner of this studio lets a run pass those of others.")
        super().move(run.id, places)

    def _ask(self, run_id: str, what: str) -> Run:
        return super()._ask(self._changed_by_visitor(run_id).id, what)

    def _changed_by_visitor(self, run_id: str) -> Run:
        run = self._seen.run(run_id)
        self._rights.require_change(run)
        return run
