"""Values of Arrow and Parquet as they were before they were stored there.

A struct has every key that any row has, and null for those that a row lacks: such keys are left out, at any depth. A
map becomes an object; dates, times, decimals and UTF-8 bytes become text; NaN, pandas' empty value, becomes null.
"""

import datetime
import math
from collections.abc import Callable

from finetune.data.readers.decoder import Fault

Restore = Callable[[object], object]


def restorers_of(schema) -> dict[str, Restore]:
    """Column -> what makes its values as they were; without the columns that stay as they are."""
    found = {field.name: restorer_of(field.type) for field in schema}
    return {name: restore for name, restore in found.items() if restore}


def restorer_of(kind) -> Restore | None:
    """What makes a value of this Arrow type as it was; None if it stays as it is. It raises ``Fault`` for infinity."""
    from pyarrow import BaseExtensionType, types

    if isinstance(kind, BaseExtensionType):
        return restorer_of(kind.storage_type) or _plain
    if types.is_dictionary(kind) or types.is_run_end_encoded(kind):
        return restorer_of(kind.value_type)
    if types.is_struct(kind):
        return _of_struct({field.name: restore for field in kind if (restore := restorer_of(field.type))})
    if types.is_map(kind):
        return _of_map(restorer_of(kind.item_type))
    if any(is_kind(kind) for is_kind in (types.is_list, types.is_large_list, types.is_fixed_size_list)):
        inner = restorer_of(kind.value_type)
        return inner and (lambda value: value and [inner(part) for part in value])
    if types.is_floating(kind):
        return _number
    as_they_are = (types.is_string, types.is_large_string, types.is_integer, types.is_boolean, types.is_null)
    return None if any(is_kind(kind) for is_kind in as_they_are) else _plain


def _of_struct(inner: dict[str, Restore]) -> Restore:
    """Leaves out null keys; what remains is restored by ``inner``."""

    def restore(value: dict | None) -> dict | None:
        if value is None:
            return None
        if not inner:
            return {key: part for key, part in value.items() if part is not None}
        found = ((key, inner[key](part) if key in inner else part) for key, part in value.items() if part is not None)
        return {key: part for key, part in found if part is not None}

    return restore


def _of_map(inner: Restore | None) -> Restore:
    """An object from pairs; they stay pairs if a key is no text, or is there twice."""

    def restore(pairs: list[tuple] | None) -> dict | list | None:
        if pairs is None:
            return None
        found = {key: inner(part) if inner else part for key, part in pairs}
        are_names = len(found) == len(pairs) and all(isinstance(key, str) for key in found)
        return found if are_names else [list(pair) for pair in pairs]

    return restore


def _number(value: float | None) -> float | None:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        raise Fault("It contains infinity, which is not a number.")
    return float(value)


def _plain(value: object) -> object:
    """A value of a type that JSON lacks as text; bytes that are no text stay bytes."""
    if value is None or isinstance(value, (str, bool, int, float, list, dict)):
        return value
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    return moment(value) if isinstance(value, (datetime.date, datetime.time)) else str(value)


def moment(value: datetime.date | datetime.time) -> str:
    """A date or time as text: ``2026-01-31``, ``2026-01-31 09:30:00``; a time at midnight of a date is left out."""
    if isinstance(value, datetime.datetime):
        return str(value.date() if value.timetz() == datetime.time() else value)
    return value.isoformat()
