import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data.readers.dialect import Dialect, delimiter_of, dialect_of, is_table, others
from finetune.data.readers.header import Header

ROWS = "Where is Oslo?,In Norway.\nWhere is Bern?,In Switzerland.\n"


@pytest.mark.parametrize(
    "head, wanted",
    [
        (f"prompt,completion\n{ROWS}", Dialect()),
        (f"prompt,completion\n{ROWS}".replace(",", ";"), Dialect(";")),
        ("sep=;\na;b\n1;2\n", Dialect(";", above=1, is_announced=True)),
        ('"a", "b"\n"x, y", "z"\n', Dialect(skip_space=True)),
        (f"# made by hand\nprompt,completion\n{ROWS}", Dialect(above=1)),
        (f"#,note\n1,{'x'}\n2,y\n", Dialect()),
        (f"Report\n\nprompt,completion\n{ROWS}", Dialect(above=2)),
        (f"\n\nprompt,completion\n{ROWS}", Dialect()),
        ("text\nOne, two\nThree, four\nFive, six\n", Dialect()),
        (ROWS * 2, Dialect(first=Header.ROW)),
    ],
)
def test_a_dialect_is_recognized_from_the_beginning(head, wanted):
    assert dialect_of(head) == wanted


def test_what_else_a_dialect_may_be_depends_on_what_stands_there():
    assert [found.is_escaped for found in others(Dialect(), r'a,"x\"y"')] == [True]
    assert [found.is_quoted for found in others(Dialect("\t"), 'a\t"x" y')] == [False]
    assert list(others(Dialect(), 'a,"x')) == []


@given(
    rows=st.lists(st.tuples(st.text("abc\"' \\,", max_size=8), st.text('xy"\\', max_size=8)), min_size=1, max_size=4)
)
def test_backslashes_before_quotation_marks_are_undone(rows):
    rows = [(a.rstrip("\\"), b.rstrip("\\")) for a, b in rows]
    written = "".join(
        ",".join('"' + value.replace("\\", "").replace('"', '\\"') + '"' for value in row) + "\n" for row in rows
    )
    read = list(Dialect(is_escaped=True).records(io.StringIO(written)))
    assert read == [[value.replace("\\", "") for value in row] for row in rows]


@pytest.mark.parametrize(
    "head, is_one",
    [
        ("a\tb\n1\t2\n3\t4\n", True),
        (f"prompt,completion\n{ROWS}", True),
        (ROWS * 3, False),
        ("Dear Ann, how are you?\nI am well, thanks.\nYours, Bob\n", False),
        ("12/03/2026, 09:00 - Bob: Oslo?\n12/03/2026, 09:01 - Ann: Bern?\n" * 5, False),
        ('{"a": 1, "b": 2}\n' * 5, False),
        ("a,b\n1,2\n", False),
    ],
)
def test_prose_is_no_table(head, is_one):
    assert is_table(head) == is_one


def test_the_notes_say_what_is_unusual():
    assert Dialect().notes == []
    unusual = Dialect("\t", skip_space=True, is_escaped=True, is_quoted=False, above=2, first=Header.ROW)
    assert len(unusual.notes) == 6 and "first 2 lines are not part" in unusual.notes[4]


def test_the_delimiter_gives_the_first_record_as_many_values_as_most():
    buffer = io.StringIO()
    csv.writer(buffer, delimiter="|").writerows([["a", "b"], ["x, y", "z; w"], ["1", "2"]])
    assert delimiter_of(buffer.getvalue()) == "|"
