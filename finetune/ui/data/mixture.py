"""The rows that the mixed-in datasets contribute: how many, and how many tokens, before anything is trained."""

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
from finetune.ui.data.samples import title_of

MOST_COUNTED = 2000
"""Rows that are tokenized at most: about a second, and the tokens of all are then known to a few percent."""


@dataclass(frozen=True)
class Mixture:
    """The rows that join those of the main data."""

    own: int = 0
    """Training rows of the main data; held-out rows are not among them."""
    portions: tuple[Portion, ...] = ()
    notes: tuple[str, ...] = ()
    """What a person should know about them, as sentences."""
    counts: Counts = Counts()
    """Of those with trained tokens."""
    findings: tuple[Finding, ...] = ()
    """Possible secrets and personal data in them."""
    problem: FinetuneError | None = None
    """Why they cannot be mixed in."""

    @property
    def rows(self) -> int:
        """How many rows are mixed in."""
        return sum(len(portion.examples) for portion in self.portions)


def mix(
    main: Dataset,
    others: list[Dataset],
    held_out: Dataset | None,
    settings: DataSettings,
    sequences: Callable[[dict], tuple[TokenSequence, ...]],
) -> Mixture:
    """The rows of ``others`` (from ``read_others``) that ``settings`` mix into ``main``.

    The recipe's seed may sample other rows, but, except for groups of unequal size, as many.
    """
    seed = TrainingSettings().seed
    parts = split_dataset(main, held_out, settings, seed)
    found = portions(len(parts.train), parts.held_out, others, settings, seed)
    notes = [words for portion, other in zip(found, others) for words in _missing(portion, other)]
    counts, truncated = _measured([example for portion in found for example in portion.examples], sequences)
    if truncated:
        are = "is" if truncated == 1 else "are"
        notes.append(f"{format.counted(truncated, 'mixed-in row')} {are} truncated at this length.")
    return Mixture(len(parts.train), tuple(found), tuple(notes), counts, tuple(_findings(found, others)))


def _findings(found: list[Portion], others: list[Dataset]) -> Iterator[Finding]:
    """Possible secrets in the mixed-in datasets, each finding with a code of its own."""
    for place, (portion, other) in enumerate(zip(found, others)):
        for finding in secrets_in(other, title_of(portion.path)):
            yield replace(finding, code=f"mixed-{place}-{finding.code}")


def _missing(portion: Portion, other: Dataset) -> list[str]:
    """Which rows of a dataset cannot be mixed in, as sentences: more than it has, and rows that cannot be read."""
    words, name, bad = [], title_of(portion.path), other.rejected
    if len(portion.examples) < portion.wanted:
        words.append(f"{format.counted(portion.wanted, 'row')} of “{name}” were requested; it has no more.")
    if bad:
        are = "is" if len(bad) == 1 else "are"
        first = f"the first is {bad[0].where}: {bad[0].reason}"
        words.append(f"{format.counted(len(bad), 'row')} of “{name}” {are} rejected; {first}")
    return words


def _measured(examples: Sequence[dict], sequences: Callable[[dict], tuple[TokenSequence, ...]]) -> tuple[Counts, int]:
    """The counts of ``examples``, and how many of them are truncated."""
    chosen = spread(len(examples), MOST_COUNTED)
    counts, truncated = Counts(), 0
    for position in chosen:
        try:
            made = sequences(examples[position])
        except DataError:  # training leaves it out as well, and notes it
            continue
        truncated += any(sequence.is_truncated for sequence in made)
        if all(sequence.has_trained_tokens for sequence in made):
            counts += Counts.of(made)
    scale = len(examples) / max(len(chosen), 1)
    return counts.times(scale), round(truncated * scale)
