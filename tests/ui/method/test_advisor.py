import gradio as gr
import pytest

from finetune.advice import QUESTIONS
from finetune.data.counts import Counts
from finetune.data.kinds import KINDS
from finetune.data.settings import DataSettings
from finetune.inference.few_shot import Tried
from finetune.machine.lease import Lease
from finetune.recipe import Recipe
from finetune.ui.data.desk import Chosen
from finetune.ui.method import advisor

PIRATE = DataSettings(path="assets/samples/pirate-voice.jsonl")
CHATS = Chosen(PIRATE, "pirate", "chat", Counts(300, 60, 9000))
FEW = Chosen(PIRATE, "pirate", "chat", Counts(60, 60, 900, held_out=10))


@pytest.fixture
def parts():
    with gr.Blocks():
        return advisor.draw()


def test_the_four_questions_are_groups_of_radio_buttons_or_boxes_with_all_choices(parts):
    for question, drawn in zip(QUESTIONS, parts.questions, strict=True):
        assert [key for _, key in drawn.choices] == list(question.choices) and drawn.label == question.title
        assert isinstance(drawn, gr.CheckboxGroup if question.many else gr.Radio)


def test_without_two_answers_there_is_no_advice(studio):
    found, html, use, prove = advisor.answer(studio, CHATS, "starter", "answers", None, [], "this")
    assert found is None and advisor.ASK in html and not use.visible and not prove.visible


def test_an_advice_names_the_pair_and_its_reasons_and_can_be_used(studio):
    found, html, use, prove = advisor.answer(studio, CHATS, "starter", "answers", "style", [], "this")
    assert (found.method, found.adapter) == ("sft", "lora")
    assert "Recommended: Supervised fine-tuning (SFT) with LoRA" in html and html.count("<li>") == len(found.reasons)
    assert use.visible and use.variant == "primary" and prove.visible
    assert use.constructor_args["visible"], "only what is given is sent to the page, and the button was hidden"


def test_few_rows_are_advised_against_and_the_held_out_ones_count(studio):
    found, html, use, _ = advisor.answer(studio, FEW, "starter", "answers", "style", [], "this")
    assert found.against == "few" and "70 examples" in html and "Do not fine-tune yet" in html
    assert use.value == "Use it all the same" and use.variant == "secondary"


def tensors(file):
    return file.keys()


def test_what_is_known_of_data_and_model_is_taken_into_account(studio, with_tiny):
    at = advisor.situation(studio, Chosen(PIRATE, "p", "chat", Counts(300, 60, 9000, held_out=20), 100), "tiny")
    assert (at.kind, at.rows, at.tokens, at.is_starter) == ("chat", 220, 9000, False)
    from safetensors import safe_open

    with safe_open(with_tiny.models_dir / "tiny" / "model.safetensors", "pt") as file:
        assert at.parameters == sum(file.get_tensor(name).numel() for name in tensors(file))
    assert advisor.situation(studio, None, "nobody/nothing").parameters == 0


def test_the_data_answers_the_first_question_unless_the_person_did():
    assert advisor.suggest_have(CHATS, None) == "answers" and advisor.suggest_have(CHATS, "pairs") == "pairs"
    assert advisor.suggest_have(None, None) is None
    kinds = (None if not kind else Chosen(PIRATE, "x", kind, Counts(9)) for kind in ("", *KINDS))
    assert {advisor.suggest_have(chosen, None) for chosen in kinds} <= {None, *QUESTIONS[0].choices}


def proof(studio) -> list[str]:
    recipe = Recipe.from_dict({"model": {"id": "tiny"}, "data": PIRATE.model_dump(exclude_defaults=True)})
    return list(advisor.prove(studio, lambda chosen, given: recipe, CHATS))


def test_the_base_answers_held_out_questions_with_and_without_rows_in_the_prompt(studio, with_tiny, monkeypatch):
    monkeypatch.setattr("finetune.inference.few_shot.MAX_TOKENS", 4)
    first, *_, last = proof(studio)
    assert advisor.LOADING in first and last.count("<article>") == 2 and advisor.JUDGE in last
    assert " examples</dt>" in last


def test_while_a_run_trains_the_page_says_so(studio, with_tiny):
    with Lease(with_tiny.path).take():
        assert "Another run is training" in proof(studio)[-1]


def test_what_a_model_or_a_row_says_is_never_html():
    html = advisor.compared([Tried("<i>q</i>", "<b>e</b>", "<u>p</u>", "", 5)])
    assert "&lt;i&gt;" in html and "<b>e" not in html and "<u>" not in html and "(nothing)" in html
