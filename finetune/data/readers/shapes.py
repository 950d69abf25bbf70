"""The rows in a JSON value: what people and libraries write besides a list of objects.

``to_json`` of pandas in each of its orients, splits of a data set, the rows of the Hub's viewer, lists of lists.
"""

from finetune.data.faulty import Faulty
from finetune.data.readers.decoder import Fault, what_is
from finetune.data.readers.splits import split_named
from finetune.errors import DataError

SPLIT = "split"
"""The column with the name of the split that a row is from."""
TURNS = "messages"
"""The column of a row that is a list of turns alone."""
LIST_OF_TURNS, LIST_OF_VALUES = (
    f'a list of turns, called "{TURNS}" here',
    "a list of values, called column_1, column_2, …",
)
LISTS = (LIST_OF_TURNS, LIST_OF_VALUES)
SPEAKERS = {"role", "from", "speaker", "author", "sender", "who", "human", "user"}
"""Keys by which an object is a turn, or a question and its answer."""
LEVELS = 3
"""How deep a list of rows may lie within objects that hold nothing else."""
FEW, MANY = 64, 8
"""Columns that an object of objects may have, to be one object per row; rows that one per column has at least, if only
their number tells the two apart."""


def row_in(value: object) -> tuple[dict, str]:
    """The row in a value, and how it was taken for one if it is not an object; ``Fault`` if it is none."""
    if isinstance(value, dict):
        return value, ""
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return {TURNS: value}, LIST_OF_TURNS
    if isinstance(value, list) and len(value) > 1 and all(map(_is_plain, value)) and any(map(_is_text, value)):
        return {f"column_{number}": part for number, part in enumerate(value, 1)}, LIST_OF_VALUES
    raise Fault(f"It is {what_is(value)}, not an object with named columns.")


def _is_plain(value: object) -> bool:
    return not isinstance(value, (dict, list))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def rows_in(value: object, name: str, notes: list[str]) -> list:
    """The rows in a JSON value that is not a list, of the file ``name``; how they were found is added to ``notes``."""
    if not isinstance(value, dict):
        raise DataError(f"{name} contains {what_is(value)}, not rows.", "Write a list of objects with named columns.")
    splits = _splits(value)
    if len(splits) == 1:
        notes.append(f'The rows are the list named "{next(iter(splits))}".')
        return next(iter(splits.values()))
    if splits:
        listed = ", ".join(f"{key} ({len(rows):,})" for key, rows in splits.items())
        notes.append(f'The file has the splits {listed}; the column "{SPLIT}" says which a row is from.')
        return [_of_split(row, split_named(key) or key) for key, rows in splits.items() for row in rows]
    if (rows := _frame(value)) is not None:
        notes.append("It is read as a table that pandas wrote with to_json.")
        return rows
    tables = [key for key, part in value.items() if _is_list_of_rows(part)]
    if "rows" in tables and all(isinstance(row.get("row"), dict) for row in value["rows"]):
        notes.append('The rows are the list named "rows", as the viewer of the Hub shows them.')
        return [_viewed(row) for row in value["rows"]]
    if len(tables) == 1 and not is_turns(value[tables[0]]):
        notes.append(f'The rows are the list named "{tables[0]}".')
        return value[tables[0]]
    if len(tables) > 1 and not any(is_turns(value[key]) for key in tables):
        names = ", ".join(tables)
        raise DataError(
            f"{name} contains more than one list of rows: {names}.", "Keep one of them, as a list of objects."
        )
    if value and all(isinstance(part, list) for part in value.values()) and not tables:
        return _columns(value, name)
    inner = [key for key, part in value.items() if isinstance(part, (dict, list))]
    if len(inner) == 1 and (found := _inside(value[inner[0]], LEVELS)) is not None:
        notes.append(f'The rows are in "{inner[0]}".')
        return found if isinstance(found, list) else rows_in(found, name, notes)
    return [value] if value else []


def _inside(part: object, levels: int) -> dict | list | None:
    """What holds the rows within ``part``: splits, a table, or a list of rows; None if there is nothing like it."""
    if isinstance(part, list):
        return part if part and all(_is_list_of_rows(each) and is_turns(each) for each in part) else None
    if not isinstance(part, dict) or not levels:
        return None
    if _splits(part) or _frame(part) is not None:
        return part
    inner = [each for each in part.values() if isinstance(each, (dict, list))]
    if len(inner) != 1:
        return None
    if _is_list_of_rows(inner[0]):
        return None if is_turns(inner[0]) else inner[0]
    return _inside(inner[0], levels - 1)


def _splits(value: dict) -> dict[str, list]:
    """Name -> rows of each split, if an object holds nothing else but plain values; else empty."""
    parts = {key: part for key, part in value.items() if isinstance(part, (dict, list))}
    if not parts or not all(map(split_named, parts)):
        return {}
    found = {key: part if isinstance(part, list) else _frame(part) for key, part in parts.items()}
    is_rows = all(rows and all(isinstance(row, (dict, list)) for row in rows) for rows in found.values())
    return found if is_rows and not any(_is_list_of_rows(rows) and is_turns(rows) for rows in found.values()) else {}


def _of_split(row: object, split: str) -> dict:
    values, _ = row_in(row)
    return values if SPLIT in values else {**values, SPLIT: split}


def _frame(value: dict) -> list[dict] | None:
    """The rows of a table that pandas wrote with the orient split, columns or index; None if it is none."""
    names, data = value.get("columns"), value.get("data")
    if isinstance(names, list) and isinstance(data, list) and all(isinstance(row, list) for row in data):
        fits = all(len(row) == len(names) for row in data)
        return [dict(zip(map(str, names), row)) for row in data] if fits and data else None
    parts = list(value.values())
    if not parts or not all(isinstance(part, dict) and part for part in parts):
        return None
    are_alike, many = all(part.keys() == parts[0].keys() for part in parts), max(MANY, 2 * len(parts))
    if are_alike and (_are_numbers(parts[0]) or not _are_numbers(value) and len(parts[0]) >= many):
        return [{name: part[index] for name, part in value.items()} for index in parts[0]]
    are_rows = _are_numbers(value) or len(parts) > 2 and are_alike
    return parts if are_rows and all(1 < len(part) <= FEW for part in parts) else None


def _are_numbers(keys: dict) -> bool:
    return all(key.isdecimal() for key in keys)


def _columns(value: dict, name: str) -> list[dict]:
    """The rows of an object of equally long lists."""
    lengths = {key: len(part) for key, part in value.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{key} {length:,}" for key, length in lengths.items())
        raise DataError(f"The columns of {name} differ in length: {listed}.", "Give each the same number of values.")
    return [dict(zip(value, values)) for values in zip(*value.values())]


def _viewed(item: dict) -> dict:
    """The row in an item of the viewer; what that truncated is a fault."""
    cut = item.get("truncated_cells") or ()
    fault = Faulty("The viewer of the Hub has truncated it.")
    return {key: fault if key in cut else part for key, part in item["row"].items()}


def _is_list_of_rows(part: object) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(item, dict) for item in part)


def is_turns(part: list[dict]) -> bool:
    """True for the turns of one conversation, which are not rows."""
    return all({"role", "content"} <= item.keys() or {"from", "value"} <= item.keys() for item in part)


def holds_rows(value: object) -> bool:
    """True for a list of objects without a speaker, which are rows and not turns."""
    return _is_list_of_rows(value) and not any(SPEAKERS & item.keys() for item in value)
