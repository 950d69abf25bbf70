import shutil

import gradio as gr

from finetune.ui.data import intake
from finetune.ui.data.changes import act
from finetune.ui.data.counting import Counting
from finetune.ui.data.shown import Shown, failed, kept, recount, show, turn
from tests.tab import named

BY = ("tiny", "512", "own")


def rows(n=12):
    return "question,answer\n" + "\n".join(f"What is {i}?,It is {i}." for i in range(n))


def sample(desk, file, by=BY) -> Shown:
    return show(desk, intake.from_sample(file)[0], file, Counting.of(*by), is_new=True)


def test_the_chat_template_is_shown(desk, with_tiny):
    assert "im_start" in sample(desk, "pirate-voice.jsonl").preview.split("chat template")[1]


def test_pairs_show_what_is_preferred_and_what_is_avoided(desk, with_tiny):
    shown = sample(desk, "short-and-kind.jsonl")
    assert shown.chosen.kind == "preference" and "<mark class='avoided'>" in shown.preview


def test_paging_goes_round_and_counts(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    index, preview, position, _ = turn(desk, -1, chosen, 0, *BY)
    assert index == 299 and "300 of 300" in position and "<mark" in preview
    assert turn(desk, 1, chosen, 299, *BY)[0] == 0
    assert turn(desk, 1, None, 0, *BY)[:3] == (0, "", "")


def test_a_shorter_length_is_recounted_and_shown_cut(desk, with_tiny):
    chosen = sample(desk, "pirate-voice.jsonl").chosen
    again = named(recount(desk, chosen, "tiny", "32", "own"))
    assert "300 cut at 32 tokens" in again.result and "Cut at 32 of" in again.preview and again.chosen == gr.skip()
    assert named(recount(desk, None, "tiny", "32", "own")).result == gr.skip()


def test_a_base_model_without_a_template_is_offered_chatml(desk, with_tiny, tiny_model, table):
    bare = desk.workspace.models_dir / "bare"
    shutil.copytree(tiny_model, bare)
    (bare / "chat_template.jinja").unlink()
    chosen = table(rows()).chosen
    refused = show(desk, chosen.settings, "qa", Counting.of("bare", "512", "own"))
    assert "no chat template" in refused.result and "data-pick='template:chatml'" in refused.result
    _, template, *values = act(desk, "template:chatml", refused.chosen, "bare", "512", "own")
    assert template == "chatml" and "12 conversations, ready to train" in named(values).result


def test_what_is_kept_is_skipped():
    values = kept(result="Other words.").values()
    assert len(values) == len(failed("").values())
    assert [value for value in values if value != gr.skip()] == ["Other words."]


def test_the_mapping_form_opens_by_itself_only_for_new_data_that_is_not_certain(desk, with_tiny):
    messy, _ = intake.from_sample("messy-support.csv")
    assert show(desk, messy, "messy", Counting.of(*BY), is_new=True).fold.open
    assert "open" not in show(desk, messy, "messy", Counting.of(*BY)).fold._constructor_args[0]
    assert sample(desk, "pirate-voice.jsonl").fold.open is False
