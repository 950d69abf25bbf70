import sys
import threading
from array import array
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.data import store
from finetune.data.store import Lines, Numbers, Picked, Rows
from finetune.data.texts import LONG, PROSE, ColumnTexts
from finetune.errors import DataError

rows = st.lists(st.dictionaries(st.text(max_size=3), st.none() | st.integers() | st.text(max_size=9), max_size=3))


@pytest.fixture
def spooling(monkeypatch):
    """Even small tables are kept in a file, in small blocks."""
    monkeypatch.setattr(store, "MEMORY_BYTES", 40)
    monkeypatch.setattr(store, "BLOCK_BYTES", 64)


def parts(values: list) -> list:
    return [values[1:3], values[::2], values[::-1], values[-2:]]


@given(values=rows, memory=st.sampled_from([0, 30, 10_000]), block=st.sampled_from([1, 50, 10_000]))
def test_rows_look_like_a_list_wherever_they_are_kept(values, memory, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "MEMORY_BYTES", memory)
        patch.setattr(store, "BLOCK_BYTES", block)
        kept = Rows(values)
        assert kept == values and values == kept and len(kept) == len(values)
        assert [kept[at] for at in range(-len(values), len(values))] == values + values
        assert parts(kept) == parts(values)


def test_rows_that_differ_are_not_equal_and_none_is_outside():
    assert Rows([{"a": 1}]) != [{"a": 2}] and Rows([{"a": 1}]) != [] and Rows() != ""
    with pytest.raises(IndexError):
        Rows([{"a": 1}])[1]


def test_large_rows_move_to_disk():
    kept = Rows()
    for number in range(50):
        kept.append({"text": "x" * 2**20, "number": number})
    assert kept._memory == [] and kept[49]["number"] == 49


def test_many_short_rows_move_to_disk_too():
    kept = Rows()
    for number in range(200_000):
        kept.append({"n": number}, 1)
    assert kept._memory == [] and kept[199_999] == {"n": 199_999}


def test_numbers_are_compact_and_know_none():
    numbers = Numbers([1, None, 3])
    numbers.append(None)
    numbers.extend([7])
    assert numbers == [1, None, 3, None, 7] and numbers[1] is None and numbers[::2] == [1, 3, 7]
    assert numbers.picked([4, 1]) == [7, None]
    assert Numbers([1, 2]).shifted(3) + Numbers([9]) == [4, 5, 9]


@pytest.fixture
def lines(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\ntwo\n\nthree\n")
    kept = Lines(path, lambda line: {"text": line.decode().strip()}, lambda line: {"odd": line.decode().strip()})
    kept.point(0, [4, 4])
    kept.point(9, [6], odd=True)
    return kept, path


def test_lines_are_read_from_the_file_each_by_its_parser(lines):
    assert lines[0] == [{"text": "one"}, {"text": "two"}, {"odd": "three"}]
    assert lines[0][2] == {"odd": "three"} and lines[0][1] == {"text": "two"}


def test_a_changed_file_is_not_read_further(lines):
    lines[1].write_bytes(b"uno\ndos\n\ntres\nquatro\n")
    with pytest.raises(DataError, match="a.txt was changed after it was read"):
        lines[0][0]
    with pytest.raises(DataError, match="was changed"):
        list(lines[0])


def test_a_file_that_changes_during_iteration_is_not_read_further(lines, monkeypatch):
    monkeypatch.setattr(store, "BLOCK_BYTES", 4)
    walk = iter(lines[0])
    assert next(walk) == {"text": "one"}
    lines[1].write_bytes(b"uno\ndos\n\ntres\nquatro\n")
    with pytest.raises(DataError, match="a.txt was changed after it was read"):
        next(walk)


def test_picked_rows_are_chosen_replaced_and_joined_without_touching_the_old(spooling):
    values = [{"n": number} for number in range(20)]
    whole = Picked.of(Rows(values))
    some = whole.picked([3, 4, 5, 9])
    changed = some.replaced([1, 3], Rows([{"n": "four"}, {"n": "nine"}]))
    longer = changed.joined(Rows([{"n": "more"}])).joined(whole.picked([0]))
    assert some == [{"n": 3}, {"n": 4}, {"n": 5}, {"n": 9}]
    assert changed == [{"n": 3}, {"n": "four"}, {"n": 5}, {"n": "nine"}]
    assert [row["n"] for row in longer] == [3, "four", 5, "nine", "more", 0] and longer[4] == {"n": "more"}
    assert longer.picked([5, 0]) == [{"n": 0}, {"n": 3}]
    assert whole == values


def test_only_plain_rows_are_added_to(lines):
    for kept in (lines[0], Picked([], array("Q"))):
        with pytest.raises(TypeError):
            kept.append({})


def test_lines_know_where_prose_is(lines):
    _, path = lines
    path_of_more = path.with_name("b.txt")
    path_of_more.write_bytes(b"{}\n{1}\n{2}\n{3}")
    more = Lines(path_of_more, bytes.strip, bytes.strip)
    yes, no = (ColumnTexts(bytes([flag])) for flag in (PROSE, LONG))
    more.point(
        0,
        array("I", [3, 4]),
        texts={"a": ColumnTexts(bytes([PROSE, PROSE])), "b": ColumnTexts(bytes([0, PROSE | LONG]))},
    )
    more.point(7, [4])
    more.point(11, [3], texts={"a": no, "b": yes})
    assert more.hold_prose(["a"]).tolist() == [True, True, False, False]
    assert more.hold_prose(["b"]).tolist() == [False, True, False, True]
    assert more.hold_prose(["a", "b"]).tolist() == [False, True, False, False]
    assert not more.hold_prose(["a", "c"]).any() and len(more.texts("c").flags) == 4
    assert [more.within(0, size) for size in (1, 3, 6, 7, 99)] == [1, 2, 2, 3, 4]


@pytest.fixture
def at_once():
    """A function that gives what ``work`` gives in four threads that begin together and take turns often."""
    before, together = sys.getswitchinterval(), threading.Barrier(4)
    sys.setswitchinterval(1e-6)

    def begin(work):
        together.wait()
        return work()

    with ThreadPoolExecutor(4) as pool:
        yield lambda work: list(pool.map(begin, [work] * 4))
    sys.setswitchinterval(before)


def test_several_may_be_the_first_to_read_what_was_just_written(monkeypatch, at_once):
    monkeypatch.setattr(store, "MEMORY_BYTES", 40)
    values = [{"a": str(number) * 20} for number in range(500)]
    for _ in range(40):
        kept = Rows(values)
        assert at_once(lambda kept=kept: kept[:]) == [values] * 4


def test_several_may_be_the_first_to_ask_for_prose(tmp_path, at_once):
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\n" * 200_000)
    for _ in range(40):
        kept = Lines(path, bytes.decode, bytes.decode)
        kept.point(0, [4] * 200_000)
        assert at_once(lambda kept=kept: len(kept.hold_prose(["a", "b"]))) == [200_000] * 4
