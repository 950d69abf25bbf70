"""What the base earns before a run starts: its answers to a few prompts, each with its rewards."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean

from finetune.data.mix import gather
from finetune.errors import RecipeError
from finetune.inference.writer import Writer
from finetune.machine import hardware
from finetune.machine.lease import Lease
from finetune.methods.rollouts import answered, prompt_of
from finetune.recipe import Recipe
from finetune.runs.workspace import Workspace
from finetune.training.helpers import load_helpers

PROMPTS = 5


@dataclass(frozen=True)
class Attempted:
    """One sampled answer and what it earns."""

    text: str
    rewards: dict[str, float | None]
    """By the names of the rewards; None where one does not apply."""
    total: float
    """Their weighted sum."""


@dataclass(frozen=True)
class Preview:
    """Groups of answers of the base, each to one prompt."""

    groups: tuple[tuple[str, str | None, tuple[Attempted, ...]], ...]
    """Prompt, expected result, and the sampled answers."""

    @property
    def mean(self) -> float:
        """The mean of what an answer earns."""
        return mean(each.total for _, _, group in self.groups for each in group)

    @property
    def spread(self) -> int:
        """How many groups have answers that earn differently: the only ones that teach anything."""
        return sum(len({each.total for each in group}) > 1 for _, _, group in self.groups)

    @property
    def sentence(self) -> str:
        """Whether there is something to learn from, in words."""
        earned = (
            f"The base earns {self.mean:.2f} on average; {self.spread} of {len(self.groups)} groups have any spread"
        )
        if self.spread:
            return f"{earned}, so there is something to learn from."
        return (
            f"{earned}: all answers to a prompt earn the same, so nothing can be learned. Choose easier or harder "
            "prompts, another reward, or a higher temperature; or train on worked answers first (SFT)."
        )


def preview(recipe: Recipe, workspace: Workspace, trusted: bool = True) -> Preview:
    """Answers of the base to the first ``PROMPTS`` prompts, rated by the rewards of ``recipe``.

    ``RecipeError`` if its method samples no answers, ``DataError`` if its rows lack what the rewards compare with,
    ``BusyError`` while a run trains.
    """
    if not recipe.method.generates:
        raise RecipeError(f"{recipe.method.title} has no rewards.", "Choose the method grpo or rloo.")
    gathered = gather(recipe.data, partial(workspace.find, trusted=trusted), recipe.training.seed, trusted)
    recipe.method.require_trainable(gathered.train)
    examples = list(gathered.train[:PROMPTS])
    with Lease(workspace.path).take():
        try:
            helpers = load_helpers(recipe, workspace)
            return rated(recipe, examples, Writer.of_base(recipe.model, workspace), helpers)
        finally:
            hardware.release_memory()


def rated(recipe: Recipe, examples: Sequence[dict], writer: Writer, helpers: dict) -> Preview:
    """Groups of answers that ``writer`` samples for ``examples``, with what each earns."""
    method = recipe.method
    asked = [prompt_of(example) for example in examples]
    written = writer.answers(asked, method.generations, method.max_tokens, method.temperature, recipe.training.seed)
    groups = []
    for example, texts in zip(examples, written):
        told = [answered(example, text, len(writer.tokenizer(text)["input_ids"])) for text in texts]
        each = {reward.name: reward.scores(method.helpers_of(reward.name, helpers))(told) for reward in method.rewards}
        group = tuple(
            Attempted(
                text,
                {name: values[n] for name, values in each.items()},
                sum(reward.weight * (each[reward.name][n] or 0.0) for reward in method.rewards),
            )
            for n, text in enumerate(texts)
        )
        groups.append((told[0].prompt, told[0].expected, group))
    return Preview(tuple(groups))
