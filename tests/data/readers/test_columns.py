import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.data.readers import columns
from finetune.data.readers.columns import ColumnSchema, line_ends, read_columns, read_strictly, schema_of
from finetune.data.readers.decoder import Decoder, Fault
from finetune.data.texts import CALM, PROSE
from tests.data.test_texts import is_prose_of
from tests.records import odd, text, wild, written

ALIKE = [{"a": "x", "b": 1, "c": True, "m": [{"role": "user", "content": "naïve"}], "n": None}] * 2
LINE = json.dumps(ALIKE[0], ensure_ascii=False)


def block_of(*lines: str) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def strictly(line: str) -> object:
    """What the strict way reads, None for a fault."""
    try:
        return Decoder().value(line)
    except Fault:
        return None


def test_rows_that_are_alike_are_read_as_columns():
    found = read_strictly(block_of(LINE, '{"m": [], "b": -7, "a": null}', LINE), schema_of(ALIKE))
    assert list(found.lengths) == [len(LINE.encode()) + 1, 30, len(LINE.encode()) + 1]
    values = read_columns(block_of(LINE), schema_of(ALIKE)).to_pylist()
    assert values == ALIKE[:1]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": "x", "a": "y"}', '{"a": "x", "\\u0061": "y"}', '{"m": [{"role": "x", "role": "y"}]}', '{"b": 1.5}',
        '{"b": 1e5}', '{"b": NaN}', '{"b": 12345678901234567890}', '{"b": "1"}', '{"z": 1}', '{"a": "\\u0000"}',
        '{"m": [{"role": "\\u0000"}]}', '{"a": "\\ud83d"}', '{"a": "\\udc00"}', '{"a": 1}', '[1]',
        '{"a": "x"} {"a": "y"}',
        '{"a": "x"', '{"a": "x"} y', '{"a": "\t"}', ' {"a": "x"}', '{"a": "x"} ', "", '{"a":\r"x"}', '{"a": "x"}\r',
        '{"n": ' + "[" * 100_000 + "]" * 100_000 + "}", '{"n": {"a": 1}}', '{"a": "' + "x" * 1_000_000 + '"}',
    ],
    ids=lambda line: line[:30],
)  # fmt: skip
def test_odd_lines_are_left_to_the_strict_way(line):
    assert read_strictly(block_of(LINE, LINE), schema_of(ALIKE))
    assert read_strictly(block_of(LINE, line, LINE), schema_of(ALIKE)) is None


@pytest.mark.parametrize(
    "content", [b'{"a": "\xff"}\n', b'{"a": "\xed\xb0\x80"}\n', b'{"a": "x"}', b"\n", b"\xef\xbb\xbf{}\n"]
)
def test_bytes_that_are_no_text_and_lines_without_an_end_are_left_too(content):
    assert read_strictly(content, schema_of(ALIKE)) is None


def test_two_objects_in_one_line_do_not_make_up_for_one_in_two():
    assert read_strictly(b'{"b": 1\n,"a": "x"}\n{"b": 1} {"b": 2}\n', schema_of(ALIKE)) is None
    assert line_ends(b'{"m": [{"role": "x"}\n{"role": "y"}]}\n') is not None
    assert read_strictly(b'{"m": [{"role": "x"}\n{"role": "y"}]}\n', schema_of(ALIKE)) is None


@settings(max_examples=400, deadline=None)
@given(
    lines=st.lists(odd | wild | written | st.just(LINE), min_size=1, max_size=4),
    like=st.lists(odd | written | st.just(LINE), min_size=1, max_size=3),
)
def test_columns_are_what_the_strict_way_reads_or_none(lines, like):
    rows = [value for value in map(strictly, like) if isinstance(value, dict)]
    schema = schema_of(rows) if rows else None
    block = block_of(*lines)
    found = read_strictly(block, schema) if schema is not None else None
    if found:
        read = block.splitlines(keepends=True)
        assert list(found.lengths) == list(map(len, read))
        values = [strictly(line.decode().rstrip("\n")) for line in read]
        assert all(isinstance(value, dict) for value in values)
        assert repr(values) == repr(list(map(orjson.loads, read)))
        assert all(value.keys() <= set(schema.names) for value in values)


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(st.fixed_dictionaries({"a": text, "b": st.integers(-9, 9), "c": st.lists(text)}), min_size=1))
def test_rows_of_one_schema_are_nearly_always_taken(rows):
    schema = schema_of([{"a": "x", "b": 1, "c": ["x"]}])
    found = read_strictly(block_of(*(json.dumps(row) for row in rows)), schema)
    assert len(found.lengths) == len(rows) and list(found.texts) == ["a"]
    flags = [is_prose_of(row["a"]) for row in rows]
    assert found.texts["a"].have(PROSE).tolist() == flags and not found.texts["a"].hashes


def test_the_prefilter_is_matched_if_there_is_one():
    flags = read_strictly(block_of(LINE, LINE.replace("x", "todo")), schema_of(ALIKE), "todo").texts["a"]
    assert flags.have(PROSE).all() and flags.have(CALM).tolist() == [True, False] and len(flags.hashes) == 2


@pytest.mark.parametrize(
    "rows", [[{"a": 1.5}], [{}], [{"a": 2**70}, {"a": "x"}], [{"a": json.loads("[" * 20 + "]" * 20)}]]
)
def test_inexact_columns_have_no_schema(rows):
    schema = schema_of(rows)
    assert schema is None or read_strictly(block_of(*map(json.dumps, rows)), schema) is None


def test_a_schema_is_inferred_and_given_up_if_it_hardly_ever_fits():
    schema = ColumnSchema()
    assert schema.read(block_of(LINE)) is None
    schema.update(ALIKE)
    schema.update([{"z": "x"}])
    assert len(schema.read(block_of(LINE, '{"z": "y"}')).lengths) == 2
    for _ in range(columns.TRIES):
        assert schema.read(b"oops\n") is None
    assert schema.read(block_of(LINE)) is None


def test_a_block_is_read_with_a_schema_that_another_thread_replaces_meanwhile():
    class Forgetful(ColumnSchema):
        """Forgets its columns as soon as they were read."""

        @property
        def _columns(self):
            return self.__dict__.pop("once", None)

        @_columns.setter
        def _columns(self, columns):
            self.__dict__["once"] = columns

    schema = Forgetful()
    schema.update(ALIKE)
    assert schema.read(block_of('{"a": 1.50}')) is None
