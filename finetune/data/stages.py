"""The stages of a report: how many rows each removes or flags, from the file to training."""

from dataclasses import dataclass

from finetune.data.checks import Evidence


@dataclass(frozen=True)
class Stage:
    """One stage of the rows. The rows read, minus those of each stage that is ``removed``, are the rows kept."""

    name: str
    """The key of the stage: ``read``, ``rejected``, ``duplicates`` …"""
    count: int
    """Number of rows."""
    words: str
    """What the page shows: ``Duplicates of an earlier row``."""
    rows: tuple[int, ...] = ()
    """The numbers of the rows; empty for ``read`` and ``kept``."""
    removed: bool = False
    """True if these rows are not trained on."""
    estimated: bool = False
    """True if ``count`` is extrapolated from a sample, whose ``rows`` are given."""


def stages_of(evidence: Evidence, left_out: tuple[int, ...] = ()) -> list[Stage]:
    """The stages of all rows, in the order in which rows are lost; a person has ``left_out`` some."""
    total, rejected = evidence.dataset.total_rows, tuple(sorted(row.row for row in evidence.rejected))
    stages = [Stage("read", total, "Read")]
    if left_out:
        stages.append(Stage("left_out", len(left_out), "Left out by you", left_out, removed=True))
    # The remainder, so that the counts of a sample add up too.
    lost = total - len(left_out) - evidence.estimated(len(evidence.nothing_to_train_on)) - evidence.kept
    stages.append(Stage("rejected", lost, "Rejected", rejected, removed=True, estimated=lost != len(rejected)))
    stages.append(_counted("duplicates", evidence.duplicates, "Duplicates of an earlier row"))
    among = f", among {len(evidence.sample):,} sampled" if evidence.is_sampled else ""
    near = f"Near-duplicates of an earlier row{among}"
    stages.append(_counted("near_duplicates", evidence.near_duplicates, near))
    if evidence.held_out is not None:
        stages.append(_counted("leakage", evidence.leaks, "Also held out (leakage)"))
        stages.append(_sampled("near_leakage", evidence.near_leaks, "Near-duplicates of a held-out row", evidence))
    stages.append(_sampled("truncated", evidence.truncated, f"Truncated at {evidence.length:,} tokens", evidence))
    untrained = evidence.nothing_to_train_on
    stages.append(_sampled("nothing_to_learn", untrained, "Without trained tokens", evidence, removed=True))
    return [*stages, Stage("kept", evidence.kept, "Trained on", estimated=evidence.is_sampled)]


def _counted(name: str, rows: list[int], words: str) -> Stage:
    return Stage(name, len(rows), words, tuple(rows))


def _sampled(name: str, rows: list[int], words: str, evidence: Evidence, removed: bool = False) -> Stage:
    """A stage whose count is extrapolated from the sample."""
    if evidence.is_sampled:
        words = f"{words} (estimated from {len(evidence.sample):,} rows)"
    return Stage(name, evidence.estimated(len(rows)), words, tuple(rows), removed, evidence.is_sampled)
