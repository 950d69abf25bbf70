from array import array

import pytest

from finetune.data.examples import DENSE, Examples, picked
from finetune.data.formats import Plain
from finetune.data.store import Lines, Rows


def make(row):
    return [{"text": f"{row['n']}.{i}"} for i in range(row["count"])]


@pytest.fixture
def counts():
    return [1, 0, 3, 2, 0, 1] * 20


@pytest.fixture
def examples(counts):
    found = Examples(Rows([{"n": n, "count": count} for n, count in enumerate(counts)]), make)
    for position, count in enumerate(counts):
        found.point(position, count)
    return found


def test_they_look_like_a_list(examples, counts):
    everything = [example for n, count in enumerate(counts) for example in make({"n": n, "count": count})]
    assert len(examples) == len(everything) and list(examples) == everything
    assert [examples[i] for i in range(len(examples))] == everything
    assert examples[-1] == everything[-1] and examples[2:9:3] == everything[2:9:3]
    with pytest.raises(IndexError):
        examples[len(everything)]


@pytest.mark.parametrize("step", [1, 2, 3 * DENSE])
def test_some_of_them_can_be_picked_near_together_or_far_apart(examples, step):
    positions = range(1, len(examples), step)
    chosen = picked(examples, positions)
    assert isinstance(chosen, Examples) and list(chosen) == [examples[i] for i in positions]
    assert list(picked(chosen, [0, 2])) == [chosen[0], chosen[2]]


def test_picking_from_a_list_gives_a_list():
    assert picked([{"text": "a"}, {"text": "b"}], [1]) == [{"text": "b"}]


def test_examples_are_made_on_access():
    asked = []
    rows = Rows([{"n": n} for n in range(1000)])
    found = Examples(rows, lambda row: asked.append(row["n"]) or [row], array("Q"))
    for position in range(1000):
        found.point(position, 1)
    assert asked == [] and found[500] == {"n": 500} and asked == [500]


def test_none_at_all_is_an_empty_sequence():
    assert list(Examples(Rows(), make)) == [] and not Examples(Rows(), make)


def test_plain_ones_know_the_rows_they_are_from(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"{0}\n{1}\n\n{2}\n{3}")
    rows, plain = Lines(path, lambda line: {"text": line}, None), Plain((("", "text"),))
    rows.point(0, [4, 4])
    rows.point(9, [4, 3])
    found = Examples(rows, lambda row: [row], plain=plain)
    found.point_each(0, 4)
    assert list(found) == [{"text": text} for text in (b"{0}\n", b"{1}\n", b"{2}\n", b"{3}")]
    assert found.positions().tolist() == [0, 1, 2, 3] and len(found.texts("text").flags) == 4
    assert [found.within(0, size) for size in (1, 4, 8, 9, 99)] == [1, 2, 2, 3, 4] and found.within(3, 1) == 4
    some = found.picked([0, 2, 3])
    assert some.plain == plain and some.positions().tolist() == [0, 2, 3]
    assert some.within(0, 9) == 2
    twice = Examples(rows, lambda row: [row, row], plain=plain)
    twice.point(0, 2)
    assert twice.positions().tolist() == [0, 0]
    assert Examples(Rows([{"text": "x"}]), lambda row: [row], plain=plain).plain is None
