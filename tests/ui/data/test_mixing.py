import gradio as gr
import pytest

from finetune.data.mix import Portion
from finetune.data.settings import DataSettings
from finetune.errors import DataError
from finetune.ui.data import mixing
from finetune.ui.data.mixture import Mixture
from finetune.ui.data.samples import GENERAL

SETTINGS = DataSettings(path="uploads/main.csv", also=("uploads/more.csv",))
MIXED = SETTINGS.changed(
    mix=[{"path": "uploads/0123456789abcdef/faq.csv", "weight": 2}], replay=GENERAL, replay_share=0.25
)
FOUND = Mixture(10, (Portion("faq", [{}] * 20, 20), Portion("general", [{}] * 1, 1)), notes=("<Note>.",))


def test_a_data_set_is_added_with_its_weight_and_again_with_another():
    once = mixing.with_rows(SETTINGS, "a.csv", 0.5)
    both = mixing.with_rows(once, "b.csv", 1)
    again = mixing.with_rows(both, "a.csv", 3)
    assert [(each.path, each.weight) for each in both.mix] == [("a.csv", 0.5), ("b.csv", 1)]
    assert [(each.path, each.weight) for each in again.mix] == [("b.csv", 1), ("a.csv", 3)]


def test_it_is_read_as_the_main_data_is_where_it_has_the_columns():
    chosen = SETTINGS.changed(format="question_answer", columns={"question": "q", "answer": "a"})
    assert mixing.with_rows(chosen, "a.csv", 1, ("q", "a", "when")).mix[0].format == "question_answer"
    other = mixing.with_rows(chosen, "a.csv", 1, ("q", "when")).mix[0]
    assert other.format == "auto" and other.columns == {}


@pytest.mark.parametrize("weight", [0, -1, 101, None])
def test_a_weight_out_of_bounds_is_refused(weight):
    with pytest.raises(DataError, match=f"The weight cannot be {weight or 0}"):
        mixing.with_rows(SETTINGS, "a.csv", weight)


@pytest.mark.parametrize("percent", [0, -1, 91, None])
def test_a_share_out_of_bounds_is_refused(percent):
    with pytest.raises(DataError, match=f"Replay data cannot be {percent or 0} %"):
        mixing.with_replay(SETTINGS, GENERAL, percent)


@pytest.mark.parametrize("path", ["uploads/main.csv", "uploads/more.csv"])
def test_what_is_trained_on_already_is_not_mixed_in(path):
    for put in (mixing.with_rows, mixing.with_replay):
        with pytest.raises(DataError, match="already"):
            put(SETTINGS, path, 10)


def test_no_more_than_a_recipe_may_name():
    settings = SETTINGS.changed(mix=[{"path": f"{n}.csv"} for n in range(20)])
    with pytest.raises(DataError) as raised:
        mixing.with_rows(settings, "one-more.csv", 1)
    assert raised.value.problems


def test_each_can_be_removed():
    assert mixing.without(MIXED, "0").mix == () and mixing.without(MIXED, "0").replay == GENERAL
    assert mixing.without(mixing.without(MIXED, "0"), "replay") == SETTINGS
    assert mixing.without(MIXED, "7") == MIXED


def test_what_is_mixed_in_is_listed_with_its_rows():
    fold, listed, problem = mixing.listing(MIXED, FOUND)
    assert fold.label == "Mix in other data (21 rows mixed in)" and fold.visible and problem == ""
    assert "faq.csv: 20 rows, weight 2" in listed and "data-pick='unmix:0'" in listed
    assert "Replay data of the starter: 1 row, 25\u00a0% of all" in listed and "data-pick='unmix:replay'" in listed
    assert "The run trains on 10 rows of yours and 21 mixed in." in listed and "&lt;Note&gt;." in listed


def test_a_problem_opens_the_fold_and_what_is_wrong_can_be_removed():
    fold, listed, problem = mixing.listing(MIXED, Mixture(problem=DataError("It is <gone>.")))
    assert fold.open and "It is &lt;gone&gt;." in problem and fold.label == mixing.TITLE
    assert "data-pick='unmix:0'" in listed and "trains on" not in listed


def test_nothing_mixed_in_is_an_empty_list():
    with gr.Blocks():
        form = mixing.draw()
    values = mixing.listing(SETTINGS, Mixture())
    assert values[1:] == ["", ""] and len(values) == len(form.listing())
