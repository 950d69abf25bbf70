"""A loss mask beside a conversation: a column with 0 or 1 for each turn, or for each answer."""

from finetune.data.formats.format import FormatField, RowError, cell
from finetune.data.formats.mapping import known_names
from finetune.data.formats.switches import number_of
from finetune.data.formats.tools import parsed
from finetune.data.formats.turns import CALL, SPEAKER_KEYS, SPEAKERS

TURN_MASK = FormatField(
    "mask",
    "Which answers are trained on: a list with 0 or 1 for each turn, or for each answer.",
    (
        "loss_mask", "loss_masks", "train_mask", "turn_mask", "turn_masks", "message_mask", "loss_weights",
        "turn_weights", "message_weights",
    ),
    required=False,
)  # fmt: skip


def with_real_mask(found: dict[str, str], rows: list[dict], mapped: dict[str, str]) -> dict[str, str]:
    """``found`` without a column that is named like a mask but holds no list, unless a person assigned it."""
    column = found.get("mask")
    if column is None or "mask" in mapped or any(isinstance(parsed(row.get(column)), list) for row in rows):
        return found
    return {field: column for field, column in found.items() if field != "mask"}


def masked(value: object, row: dict, columns: dict[str, str], roles: dict[str, str] | None = None) -> object:
    """The conversation ``value`` with ``loss_mask`` 0 in the turns that the row's mask leaves out.

    ``RowError`` unless the mask has a number for each turn, or for each answer.
    """
    column = columns.get("mask")
    mask, turns = parsed(cell(row, column)), parsed(value)
    if mask is None or mask == "" or not isinstance(turns, list) or not all(isinstance(turn, dict) for turn in turns):
        return value
    numbers = [number_of(each) for each in mask] if isinstance(mask, list) else [None]
    if None in numbers:
        raise RowError(f'Column "{column}" does not hold a list of 0 and 1.')
    places = [place for place, turn in enumerate(turns) if _is_answer(turn, roles)]
    if len(numbers) == len(turns):
        places = list(range(len(turns)))
    if len(numbers) != len(places):
        raise RowError(f'Column "{column}" has {len(numbers)} values for {len(turns)} turns.')
    left_out = {place for place, number in zip(places, numbers) if not number}
    return [{**turn, "loss_mask": 0} if place in left_out else turn for place, turn in enumerate(turns)]


def _is_answer(turn: dict, roles: dict[str, str] | None) -> bool:
    names = known_names(SPEAKERS, roles)
    speakers = (turn[key] for key in SPEAKER_KEYS if isinstance(turn.get(key), str))
    return any(names.get(speaker.strip().lower()) in ("assistant", CALL) for speaker in speakers)
