"""What comes of the data sets that are mixed in: how many rows and tokens, before anything is trained."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from finetune import format
from finetune.data.checks import Finding
from finetune.data.checks.check import spread
from finetune.data.counts import Counts
from finetune.data.dataset import Dataset
from finetune.data.mix import Portion, portions, secrets_in
from finetune.data.settings import DataSettings
from finetune.data.split import split_dataset
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError, FinetuneError
from finetune.recipe import TrainingSettings
from finetune.ui.data.samples import called

MOST_COUNTED = 2000
"""Rows that are tokenized at most: about a second, and the tokens of all are then known to a few percent."""


@dataclass(frozen=True)
class Mixture:
    """The rows that join those of the main data."""

    own: int = 0
    """Rows of the main data that are learnt from, those kept for checking left out."""
    portions: tuple[Portion, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person should know of them, as sentences."""
    counts: Counts = Counts()
    """Of those of them that can be learnt from."""
    findings: tuple[Finding, ...] = ()
    """What may be a secret or personal data among them."""
    problem: FinetuneError | None = None
    """Why they cannot be mixed in."""

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(len(portion.examples) for portion in self.portions)


def mix(
    main: Dataset,
    others: list[Dataset],
    held_out: Dataset | None,
    settings: DataSettings,
    sequences: Callable[[dict], tuple[TokenSequence, ...]],
) -> Mixture:
    """What ``settings`` mix into ``main`` of ``others``, as ``read_others`` gives them.

    The recipe's seed chooses other rows and, but for groups of unlike size, as many.
    """
    seed = TrainingSettings().seed
    parts = split_dataset(main, held_out, settings, seed)
    found = portions(len(parts.train), parts.held_out, others, settings, seed)
    notes = [words for portion, other in zip(found, others) for words in _lacks(portion, other)]
    counts, cut = _measured([example for portion in found for example in portion.examples], sequences)
    if cut:
        notes.append(
            f"{format.counted(cut, 'row')} of those mixed in {'is' if cut == 1 else 'are'} cut at this length."
        )
    return Mixture(len(parts.train), tuple(found), tuple(notes), counts, tuple(_findings(found, others)))


def _findings(found: list[Portion], others: list[Dataset]) -> Iterator[Finding]:
    """What may be a secret in the data sets that are mixed in, each finding with a code of its own."""
    for place, (portion, other) in enumerate(zip(found, others)):
        for finding in secrets_in(other, called(portion.path)):
            yield replace(finding, code=f"mixed-{place}-{finding.code}")


def _lacks(portion: Portion, other: Dataset) -> list[str]:
    """What of a data set is not there to be mixed in: rows that were asked for, and rows that cannot be read."""
    words, name, bad = [], called(portion.path), other.rejected
    if len(portion.examples) < portion.wanted:
        words.append(f"{format.counted(portion.wanted, 'row')} of “{name}” were asked for; it has no more.")
    if bad:
        are = "is" if len(bad) == 1 else "are"
        first = f"the first is {bad[0].where}: {bad[0].reason}"
        words.append(f"{format.counted(len(bad), 'row')} of “{name}” {are} left out; {first}")
    return words


def _measured(examples: Sequence[dict], sequences: Callable[[dict], tuple[TokenSequence, ...]]) -> tuple[Counts, int]:
    """What is counted of ``examples``, and how many of them are cut."""
    chosen = spread(len(examples), MOST_COUNTED)
    counts, cut = Counts(), 0
    for position in chosen:
        try:
            made = sequences(examples[position])
        except DataError:  # Training leaves it out as well, and notes it.
            continue
        cut += any(sequence.is_truncated for sequence in made)
        if all(sequence.has_trained_tokens for sequence in made):
            counts += Counts.of(made)
    scale = len(examples) / max(len(chosen), 1)
    return counts.times(scale), round(cut * scale)
