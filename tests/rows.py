"""Small datasets for the tests of checks and fixes, read like files; and a tokenizer whose tokens are words."""

from itertools import cycle, islice

from finetune.data.checks import Finding
from finetune.data.dataset import Dataset
from finetune.data.fixes import Fix
from finetune.data.loading import fixed
from finetune.data.report import Report, check
from finetune.data.settings import DataSettings
from finetune.data.table import Table
from finetune.data.tokens import TokenSequence
from finetune.errors import DataError

LENGTH = 60

THINGS = ["lamp", "river", "garden", "engine", "violin", "harbour", "teapot", "planet", "bridge", "window", "orchard"]
ACTS = ["melts", "whistles", "vanishes", "grows", "returns", "trembles", "shines", "sinks", "turns", "breaks"]
PLACES = ["in winter", "at noon", "by the sea", "under snow", "on Mondays", "near Oslo", "at dawn", "after rain"]


def clean(count: int) -> list[dict]:
    """``count`` rows with which nothing is wrong, up to 880."""
    things, acts, places = cycle(THINGS), cycle(ACTS), cycle(PLACES)
    triples = {}
    while len(triples) < count:
        triple = next(things), next(acts), next(places)
        if triple in triples:  # the cycles would begin again
            next(acts)
            continue
        triples[triple] = True
    return [
        {
            "prompt": f"Why is it that the {thing} {act} {place}?",
            "completion": f"It {act} because of the {thing} {place}.",
        }
        for thing, act, place in islice(triples, count)
    ]


def pair(question: str, chosen: str, rejected: str) -> dict:
    return {"prompt": question, "chosen": chosen, "rejected": rejected}


def read(rows: list[dict], *fixes: Fix, **settings) -> Dataset:
    """The rows as a dataset, with ``fixes`` applied."""
    table = Table("JSONL")
    for row in rows:
        table.add(row)
    return fixed(table, DataSettings(path="rows.jsonl", fixes=fixes, **settings))


def report_on(dataset: Dataset, **options) -> Report:
    return check(dataset, sequences, **{"length": LENGTH, **options})


def finding(rows: list[dict], code: str, *fixes: Fix, **options) -> Finding | None:
    """What the report on ``rows`` says under ``code``, if anything."""
    found = [each for each in report_on(read(rows, *fixes), **options).findings if each.code == code]
    assert len(found) < 2
    return found[0] if found else None


def sequences(example: dict) -> tuple[TokenSequence, ...]:
    """A word is a token, the answer is trained on, and ``LENGTH`` tokens fit."""
    if "text" in example:
        return (_cut([], [{"content": example["text"]}]),)
    if "chosen" in example:
        return tuple(_cut(example["prompt"], example[part], part) for part in ("chosen", "rejected"))
    if "completion" in example:
        return (_cut(example["prompt"], example["completion"]),)
    *before, answer = example["messages"]
    if answer["content"] == "refuse":
        raise DataError("The template refuses it.")
    return (_cut(before, [answer]),)


def _cut(before: list[dict], answers: list[dict], name: str = "") -> TokenSequence:
    asked, answered = (" ".join(turn["content"] for turn in turns).split() for turns in (before, answers))
    flags = [False] * len(asked) + [True] * len(answered)
    return TokenSequence(tuple(range(len(flags)))[:LENGTH], tuple(flags[:LENGTH]), len(flags), name)
