"""A dataset: the examples that a file gives, where each came from, and which rows give none.

What a row looks like is told from the rows and can be overruled; rows are left out with a reason, never changed.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from finetune.data.formats import FORMATS, Format, Recognition, RowError
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table
from finetune.data.table import Rejected, Table, none_can
from finetune.errors import DataError

SAMPLE_ROWS = 200
"""Rows looked at to tell the format, spread over the file: enough for one odd row in a hundred to show."""
MAX_HELD_OUT = 200
"""Split-off rows at most: accuracy is then known to about ±7 points, and scoring stays short beside the training."""
MIN_ROWS_TO_SPLIT = 10
"""With fewer rows, every one is needed to learn from."""


@dataclass
class Dataset:
    """Examples of one kind."""

    kind: str
    """``chat``, ``preference`` or ``text``."""
    format: str
    """The format's name."""
    title: str
    """The format's name for a person."""
    reason: str
    """Why it is this format, as a sentence."""
    confidence: float
    """0 to 1; 1 if a person chose it."""
    columns: dict[str, str]
    """Which column plays which part."""
    examples: list[dict] = field(default_factory=list)
    """TRL's columns: ``messages``; or ``prompt``, ``chosen`` and ``rejected`` as lists of messages; or ``text``."""
    rows: list[int] = field(default_factory=list)
    """The 1-based row of the file that each example is from; a row may give several."""
    rejected: list[Rejected] = field(default_factory=list)
    total_rows: int = 0
    file_columns: tuple[str, ...] = ()
    """All columns of the file."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of how the file was read."""


def read(path: Path, settings: DataSettings) -> Dataset:
    """The examples in ``path``; ``DataError`` if it cannot be read, is not understood, or has no row that serves."""
    return understand(read_table(path), settings)


def understand(table: Table, settings: DataSettings) -> Dataset:
    """The examples in ``table``, in the format that it has or that the settings name."""
    form, recognition = choose_format(table, settings)
    if form.refusal:
        raise DataError(
            f"{form.refusal} ({table.total_rows:,} rows)",
            f"{recognition.reason} Add a column with the answers, or say which column has them.",
        )
    data = Dataset(
        kind=form.kind,
        format=form.name,
        title=form.title,
        reason=recognition.reason,
        confidence=recognition.score,
        columns=recognition.columns,
        rejected=list(table.rejected),
        total_rows=table.total_rows,
        file_columns=table.columns,
        notes=list(table.notes),
    )
    for values, number, line in zip(table.rows, table.numbers, table.lines):
        try:
            examples = form.examples(values, recognition.columns, settings.system)
        except RowError as error:
            data.rejected.append(Rejected(number, str(error), line))
            continue
        data.examples.extend(examples)
        data.rows.extend([number] * len(examples))
    data.rejected.sort(key=lambda rejected: rejected.row)
    if not data.examples:
        first = data.rejected[0]
        raise DataError(
            f"{none_can(data.total_rows)} be learnt from. {first.where.capitalize()}: {first.reason}",
            f'They were read as "{form.title}"; choose another format or other columns if that is wrong.',
        )
    return data


def choose_format(table: Table, settings: DataSettings) -> tuple[Format, Recognition]:
    """The format of ``table`` and its columns: what the settings say, and for the rest what the rows show."""
    for part, column in settings.columns.items():
        if column not in table.columns:
            raise DataError(
                f'There is no column "{column}" to be the {part}.', f"There are: {', '.join(table.columns)}."
            )
    step = max(1, len(table.rows) // SAMPLE_ROWS)
    sample = table.rows[::step][:SAMPLE_ROWS]
    if settings.format != "auto":
        return _named(table, settings, sample)
    fitting = [form for form in FORMATS.values() if settings.columns.keys() <= {part.name for part in form.parts}]
    found = [(form, form.recognise(table.columns, sample, settings.columns)) for form in fitting]
    ranked = sorted((pair for pair in found if pair[1]), key=_rank)
    if not ranked:
        raise DataError(
            f"It is not clear what to learn from these columns: {', '.join(table.columns)}.",
            "Say which column plays which part, for example which is the prompt and which the completion.",
        )
    return ranked[0]


def _rank(pair: tuple[Format, Recognition]) -> tuple[int, float]:
    """What serves comes first; then what has its columns but no row, so that the reason can be told; then refusals."""
    form, seen = pair
    return 2 if form.refusal else 1 if not seen.score else 0, -seen.score * form.weight


def held_out_path(path: Path, settings: DataSettings) -> Path | None:
    """The file of rows kept for checking: the one the settings name, else ``NAME.held-out.EXT`` beside it, else None.

    A named file is in the folder of the data, so that a recipe cannot name any other file of the machine;
    ``DataError`` if it is not there.
    """
    path = Path(path)
    if settings.held_out:
        named = path.parent / Path(settings.held_out).name
        if not named.is_file():
            raise DataError(
                f"There is no file {settings.held_out!r} of rows kept for checking.", "Upload it, or check its name."
            )
        return named
    beside = path.with_name(f"{path.stem}.held-out{path.suffix}")
    return beside if beside.is_file() else None


def read_sides(path: Path, settings: DataSettings, seed: int) -> tuple[Dataset, list[dict], list[dict]]:
    """The data at ``path``, its examples to learn from, and those kept for checking (see ``split``)."""
    dataset, beside = read(path, settings), held_out_path(path, settings)
    held_out = read(beside, settings) if beside else None
    return dataset, *split(dataset, held_out, settings.held_out_share, seed)


def split(dataset: Dataset, held_out: Dataset | None, share: float, seed: int) -> tuple[list[dict], list[dict]]:
    """The examples to learn from and those kept for checking; no example is on both sides.

    Without a file of its own, ``share`` of the examples is kept, at least 1 and at most ``MAX_HELD_OUT``, and none
    below ``MIN_ROWS_TO_SPLIT``. A hash of content and seed chooses them, so that the order in the file decides nothing.
    """
    if held_out is not None:
        if held_out.kind != dataset.kind:
            raise DataError(
                f"The rows kept for checking are {held_out.title}, but the rows to learn from are {dataset.title}.",
                "Both must have the same shape.",
            )
        kept = {content_hash(example) for example in held_out.examples}
        train = [example for example in dataset.examples if content_hash(example) not in kept]
        if not train:
            raise DataError("Every row is also among the rows kept for checking.", "Keep other rows for checking.")
        return train, held_out.examples
    hashes = [content_hash(example, seed) for example in dataset.examples]
    kept = _lowest(hashes, share)
    sides = [digest in kept for digest in hashes]
    train = [example for example, is_kept in zip(dataset.examples, sides) if not is_kept]
    return train, [example for example, is_kept in zip(dataset.examples, sides) if is_kept]


def content_hash(example: dict, seed: int | None = None) -> bytes:
    """Equal for equal examples; another order of them for each seed."""
    content = json.dumps([seed, example], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(content.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _lowest(hashes: list[bytes], share: float) -> set[bytes]:
    """The hashes, lowest first, of about ``share`` of the examples; what comes often counts as often as it comes."""
    if share <= 0 or len(hashes) < MIN_ROWS_TO_SPLIT:
        return set()
    wanted = min(max(1, round(share * len(hashes))), MAX_HELD_OUT)
    counts: dict[bytes, int] = {}
    for digest in hashes:
        counts[digest] = counts.get(digest, 0) + 1
    kept, total = set(), 0
    for digest in sorted(counts):
        if total + counts[digest] <= wanted:
            kept.add(digest)
            total += counts[digest]
    return kept if kept else _smallest_group(counts)


def _smallest_group(counts: dict[bytes, int]) -> set[bytes]:
    """The example that comes least often, if there is another one to learn from."""
    return {min(counts, key=lambda digest: (counts[digest], digest))} if len(counts) > 1 else set()


def _named(table: Table, settings: DataSettings, sample: list[dict]) -> tuple[Format, Recognition]:
    """The format that the settings name, with their columns, and for parts they leave out what the rows show."""
    form = FORMATS.get(settings.format)
    if form is None:
        raise DataError(f'There is no format "{settings.format}".', f"There are: auto, {', '.join(FORMATS)}.")
    names = [part.name for part in form.parts]
    unknown = [part for part in settings.columns if part not in names]
    if unknown:
        raise DataError(f'{form.title} has no part "{unknown[0]}".', f"Its parts are: {', '.join(names)}.")
    columns = form.find(table.columns, sample, settings.columns)
    if missing := form.missing(columns):
        raise DataError(
            f"{form.title}: it is not clear which column is the {' and the '.join(missing)}.",
            f"There are: {', '.join(table.columns)}.",
        )
    return form, Recognition(1.0, f"{form.title}, as you chose.", columns)
