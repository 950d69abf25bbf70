"""Do turns have weights or flags that training does not obey?"""

from collections import Counter
from collections.abc import Iterator

from finetune.data.checks.check import Check, Evidence, Finding, spread
from finetune.data.dataset import Dataset
from finetune.data.formats.format import cell, plain
from finetune.data.formats.switches import is_switch, weight_of
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import SPEAKERS, turn_keys

MOST = 2_000
"""Rows looked at, evenly spaced."""
ABOUT = (
    "id", "index", "idx", "turn", "turn_id", "turn_idx", "round", "step", "order", "position", "number", "timestamp",
    "time", "date", "created", "updated", "length", "tokens", "latency", "duration", "cost", "n", "rank", "likes",
)  # fmt: skip
"""Keys that describe a turn and do not switch it; and so do those that end in these words."""
ENDS = ("_id", "_at", "_time", "_tokens", "_count", "_index", "_ms", "_length", "_date")


class TurnFlags(Check):
    """Weights of answers other than 0 and 1, and flags of answers without a known meaning."""

    order = 32

    def findings(self, evidence: Evidence) -> Iterator[Finding]:
        dataset = evidence.dataset
        weights, flags, numbers = Counter(), Counter(), Counter()
        for turn in _answers(dataset):
            for key, value in turn.items():
                weight = weight_of(key, value)
                if weight is not None and weight not in (0, 1):
                    weights[f"{key} {value}"] += 1
                elif isinstance(value, (bool, int, float)) and not is_switch(key) and not _describes(key):
                    (flags if isinstance(value, bool) else numbers)[key] += 1
        if weights and dataset.kind == "chat":
            message = f"Answers have weights other than 0 and 1 ({_listed(weights)}); those are trained on in full."
            yield Finding("warning", message, code="turn-weights")
        for kinds, severity, code in ((flags, "warning", "turn-flags"), (numbers, "info", "turn-numbers")):
            if kinds:
                named = _listed(Counter({f'"{key}"': count for key, count in kinds.items()}))
                message = f"Turns of the assistant have {named}, which has no known meaning: it is ignored."
                hint = 'To leave an answer out of the loss, call it "weight" with 0.' if code == "turn-flags" else ""
                yield Finding(severity, f"{message} {hint}".strip(), code=code)


def _answers(dataset: Dataset) -> Iterator[dict]:
    """Turns of a sample of the rows that may be the assistant's."""
    columns = set(map(str, dataset.columns.values()))
    rows = dataset.table.rows
    for place in spread(len(rows), MOST):
        for column in columns:
            value = parsed(cell(rows[place], column))
            keys = turn_keys(value) if isinstance(value, list) else None
            for turn in value if keys else ():
                if SPEAKERS.get(turn[keys.role].strip().lower(), "assistant") in ("assistant", "call"):
                    yield {key: each for key, each in turn.items() if key not in (keys.role, keys.text)}


def _describes(key: str) -> bool:
    name = plain(key)
    return name in ABOUT or name.endswith(ENDS)


def _listed(counted: Counter) -> str:
    """The most usual, for a sentence."""
    names = [name for name, _ in counted.most_common(3)]
    return ", ".join(names) + (" …" if len(counted) > len(names) else "")
