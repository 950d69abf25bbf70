from array import array

import pytest

from finetune.data.examples import DENSE, Examples, picked
from finetune.data.store import Rows


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


def test_nothing_is_made_before_it_is_asked_for():
    asked = []
    rows = Rows([{"n": n} for n in range(1000)])
    found = Examples(rows, lambda row: asked.append(row["n"]) or [row], array("Q"))
    for position in range(1000):
        found.point(position, 1)
    assert asked == [] and found[500] == {"n": 500} and asked == [500]


def test_none_at_all_is_an_empty_sequence():
    assert list(Examples(Rows(), make)) == [] and not Examples(Rows(), make)
