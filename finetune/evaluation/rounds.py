"""The rounds of a model: runs that each train the one before further, with what their blind tests say."""

from dataclasses import dataclass

from finetune.evaluation.ballot import read as read_ballot
from finetune.evaluation.tally import Tally, tally
from finetune.evaluation.votes import read as read_votes
from finetune.format import counted, percent
from finetune.runs.lineage import earlier, lineage
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace


@dataclass(frozen=True)
class Round:
    """One run of a chain."""

    run: Run
    name: str
    tally: Tally | None
    """What its votes say; None without a blind test."""

    @property
    def result(self) -> str:
        """Its win rate over the base, in a few words."""
        if self.tally is None or not self.tally.decided:
            return "no votes"
        return f"{percent(self.tally.interval.value)} of {counted(self.tally.decided, 'question')}"


def chain(workspace: Workspace, run: Run) -> list[Round]:
    """The rounds from the first to the newest that ``run`` belongs to, by ``model.run`` of the recipes.

    Where two runs train the same one further, the chain follows the newer one, unless ``run`` descends from the other.
    """
    runs = lineage(run, workspace)
    known = workspace.runs()
    while after := _later(workspace, known, runs):
        runs.append(after)
    return [Round(each, each.recipe.name, result(each)) for each in runs]


def result(run: Run) -> Tally | None:
    """What the votes on ``run`` say; None without a blind test."""
    ballot = read_ballot(run)
    return None if ballot is None else tally(ballot, read_votes(run))


def _later(workspace: Workspace, known: list[Run], runs: list[Run]) -> Run | None:
    """The newest run that trains the last of ``runs`` further."""
    for other in sorted(known, key=lambda each: each.number, reverse=True):
        before = earlier(other, workspace)
        if before and before.id == runs[-1].id and other.id not in [each.id for each in runs]:
            return other
    return None
