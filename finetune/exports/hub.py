"""The tuned model on the Hugging Face Hub: private unless a person says otherwise, in one commit, compared on arrival.

No row of the data goes there: the model, its card, and the recipe, which names files.
"""

import shutil
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from finetune.errors import FinetuneError, RecipeError, RunError
from finetune.evaluation.shared_recipe import shared
from finetune.exports.layouts import LAYOUTS, RECIPE, Layout, texts_in
from finetune.exports.parity import Reader
from finetune.exports.staging import require_free
from finetune.exports.target import Exported, Step, Target, Work
from finetune.format import counted
from finetune.models import push
from finetune.models.account import account, token_or_refuse
from finetune.models.licenses import license_of_base
from finetune.models.push import Push
from finetune.models.remote import HUB_ID, look_up, recent
from finetune.runs.numbering import slug
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

LONGEST = 96
"""Characters of a repository's id, as the Hub's client checks them."""
LAID = 0.05
"""The share of the work that is done once a folder without merging is written."""


class HubOptions(Settings):
    """What can be chosen of a push to the Hub."""

    repo: str = Field("", max_length=LONGEST, pattern=r"^$|^[\w.-]+(/[\w.-]+)?$")
    """The repository, such as ``me/pirate``. Left empty: the name of the run, in your account."""
    private: bool = True
    """Only you, or your organization, see a private repository. Off: everybody may see and download it."""
    what: Literal[tuple(LAYOUTS)] = "adapter"
    """``adapter``: small, loaded beside its base. ``merged``: one whole model, which needs nothing else. ``gguf``: one
    file in ``q8_0``, for Ollama and llama.cpp."""
    replace: bool = False
    """Replace the files that the repository has. Off: a repository with other files is left as it is."""


class Hub(Target):
    """A repository of models on the Hub."""

    name: ClassVar[str] = "hub"
    order: ClassVar[int] = 40
    words: ClassVar[str] = "a repository on the Hugging Face Hub"
    title: ClassVar[str] = "Hugging Face Hub"
    purpose: ClassVar[str] = (
        "The model in your account on the Hub, where you, or those whom you choose, load it by name."
    )
    options: ClassVar[type[Settings]] = HubOptions
    leaves: ClassVar[bool] = True

    def require(self, run: Run) -> None:
        """``RunError`` if ``run`` has no model."""
        LAYOUTS["adapter"].require(run)

    def write(
        self, run: Run, workspace: Workspace, to: Path, options: Settings | None = None, work: Work = Work()
    ) -> Exported:
        """A new folder ``RUN-hub``, and the same in the repository; the note says what went there.

        ``RunError`` or ``UnreachableError`` if it cannot be sent; the folder is not kept then.
        """
        options = options if isinstance(options, HubOptions) else HubOptions()
        layout = LAYOUTS[options.what]
        layout.require(run)
        folder = require_free(Path(to) / f"{run.id}-hub")
        token = token_or_refuse(work.token)
        work.report("asking the Hub whose token this is", 0.0)
        name = account(token)
        pushed = Push(repo_of(options.repo, name, run), token, work.report, work.stopped)
        warnings = _require_free(pushed, options, run)
        try:
            made = layout.lay(run, workspace, folder, pushed.repo, work)
            self._send(pushed, folder, options, layout, run)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        said = [f"Pushed as {name} to {pushed.repo}.", made, *warnings, *_cautions(run, options.private), _sent(run)]
        return Exported(folder, " ".join(filter(None, said)), pushed.address)

    def _send(self, pushed: Push, folder: Path, options: HubOptions, layout: Layout, run: Run) -> None:
        pushed.create(options.private)
        if (there := push.differing(folder, pushed.files() or {})) and not options.replace:
            raise _taken(pushed.repo, there)
        share = max(layout.share, LAID)

        def report(what: str, done: float) -> None:
            pushed.report(what, share + (1 - share) * done)

        Push(pushed.repo, pushed.token, report, pushed.stopped).send(
            folder,
            f"{run.recipe.name or run.id}, trained with Finetune Studio"[:200],
            replace=options.replace,
            share=0.95,
        )

    def reader(self, run: Run, workspace: Workspace, path: Path) -> Reader:
        """The folder that was sent; what arrived was compared with it byte for byte."""
        return self._layout(path).reader(run, workspace, path)

    def steps(self, run: Run, exported: Exported) -> list[Step]:
        """Load it by its name, and download it."""
        repo = "/".join(exported.address.split("/")[-2:])
        return self._layout(exported.path).steps(run, repo)

    def merged(self, options: Settings) -> bool:
        """True for the layouts that merge."""
        return LAYOUTS[options.what].merges

    def leeway(self, run: Run, options: Settings) -> float:
        """That of the layout."""
        return LAYOUTS[options.what].leeway

    def _layout(self, path: Path) -> Layout:
        return next(layout for layout in LAYOUTS.values() if layout.is_in(path))


def repo_of(asked: str, account_name: str, run: Run) -> str:
    """The id of the repository that is asked for: in the account where it names none, called as the run if empty."""
    name = asked or slug(run.recipe.name)
    repo = name if "/" in name else f"{account_name}/{name}"
    if not HUB_ID.fullmatch(repo) or ".." in repo or "--" in repo or repo.endswith((".git", ".")):
        raise RecipeError(
            f"No repository of the Hub can be called “{repo}”.",
            "Its name is ACCOUNT/NAME, of letters, digits, dots, single dashes and underscores.",
        )
    return repo


def _require_free(pushed: Push, options: HubOptions, run: Run) -> list[str]:
    """What to say of a repository that is there; ``RunError`` if it may not be used, before anything is written."""
    is_private = pushed.is_private()
    if is_private is None:
        return []
    if options.private and not is_private:
        raise RunError(
            f"{pushed.repo} is public: everybody would see what is sent there.",
            "Make it private in its settings on the Hub, choose another one, or set `private=false`.",
        )
    there = {name: file for name, file in (pushed.files() or {}).items() if name != push.OF_THE_HUB}
    if there and not options.replace and (RECIPE not in there or not _is_of(run, there[RECIPE])):
        raise _taken(pushed.repo, sorted(there))
    return [] if options.private or not is_private else [f"{pushed.repo} was private before, and stays so."]


def _is_of(run: Run, file: push.Present) -> bool:
    return push.git_key_of(shared(run.recipe).to_yaml().encode()) == file.key


def _taken(repo: str, files: list[str]) -> RunError:
    return RunError(
        f"{repo} has other files already ({counted(len(files), 'file')}, e.g. {files[0]}), which are left as they are.",
        "Choose another repository, or set `replace=true`: its history keeps what is replaced.",
    )


def _cautions(run: Run, private: bool) -> list[str]:
    """What to know of the base's license."""
    base, model = license_of_base(run), run.as_trained.model
    found = [base.warning] if base and base.warning else []
    if private:
        return found
    if base is None:
        found.append("The license of the base is not known here: whether it may be public, you have to look up.")
    if model.id != "starter" and HUB_ID.fullmatch(model.id):
        try:
            remote = recent(model) or look_up(model)
        except FinetuneError:
            found.append("Whether everybody may download the base could not be looked up.")
        else:
            if not remote.is_open:
                found.append("The base is gated: who loads this public model has not accepted its license.")
    return found


def _sent(run: Run) -> str:
    """What of the person's own is in the repository, as a sentence."""
    texts = texts_in(run.recipe)
    also = f", and what was written in it ({', '.join(texts)})" if texts else ""
    return f"No row of the data is there; {RECIPE} has the settings and the names of the data files{also}."
