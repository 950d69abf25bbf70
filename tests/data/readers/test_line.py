import pytest

from finetune.data.readers.decoder import Fault
from finetune.data.readers.line import LineParser, continues, is_row, reread


def test_a_line_is_read_strictly_before_it_is_read_loosely():
    parser = LineParser()
    assert parser.row('{"a": 1.50}\r\n') == {"a": "1.50"} and parser.notes == []
    assert parser.row("{'a': 'x'},") == {"a": "x"}
    assert (
        parser.notes
        == [
            "1 line is not strict JSON, but read as meant: Python literals.",
            "1 line is not strict JSON, but read as meant: misplaced commas.",
        ]
        or len(parser.notes) == 2
    )


@pytest.mark.parametrize("blank", ["", " \t", "\ufeff", "# exported", "// x", "/* x */"])
def test_a_blank_line_or_a_comment_holds_no_row(blank):
    assert LineParser().row(blank) is None


@pytest.mark.parametrize("bad", ["oops", '"x"', "3", "[1, 2]", "{'a': 1} {'a': 2}", '{"a": 1} see', "{'a': open('x')}"])
def test_the_fault_of_a_line_is_that_of_strict_json(bad):
    with pytest.raises(Fault):
        LineParser().row(bad)


def test_a_line_that_gave_a_row_gives_it_again():
    assert reread(b"{'a': None}\n") == {"a": None} and reread(b'["x", "y"]\n') == {"column_1": "x", "column_2": "y"}


def test_what_follows_on_the_same_line_is_seen():
    assert (
        continues('{"a": 1}{"a": 2}')
        and not continues('{"a": 1}')
        and not continues("[1][2]")
        and continues('[{"a": 1}]')
    )
    assert is_row("{'a': 1}") and not is_row('{"a": 1}{"a": 2}') and not is_row('[{"a": 1}]')
