import gradio as gr

from finetune.data.counts import Counts
from finetune.data.settings import DataSettings
from finetune.ui.data.desk import Chosen
from finetune.ui.method import axes

PAIRS = Chosen(DataSettings(path="x.jsonl"), "x", "preference", Counts(300, 60, 9000))


def test_the_cards_are_drawn_only_while_someone_sees_them():
    assert axes.draw_cards(False, PAIRS, "dpo", "lora") == gr.skip()
    assert "your data is pairs of answers" in axes.draw_cards(True, PAIRS, "dpo", "lora")
    assert "your data" not in axes.draw_cards(True, None, "dpo", "lora")


def test_a_refused_length_leaves_the_costs_as_they_are(studio):
    assert list(axes.estimate(studio, True, PAIRS, "starter", "", "", "-3")) == [gr.skip()]


def test_without_data_each_card_says_that_there_is_no_estimate_yet(studio):
    *_, last = axes.estimate(studio, True, None, "starter", None, None, "")
    assert last.count("once there is data") == last.count("data-cost=")
