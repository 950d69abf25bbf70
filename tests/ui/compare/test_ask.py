import gradio as gr
import pytest

from finetune.errors import RunError
from finetune.inference.chat import Reply
from finetune.inference.sampling import Sampling
from finetune.machine.hardware import Choice
from finetune.ui.compare import ask as compare
from finetune.ui.compare.ask import Talk, Turn
from finetune.ui.form import Form

DEFAULTS = ("7", "0.3", "0.95", "256", False, "0", "1", "")


class Parrot:
    """A pair that answers at once and remembers what it was asked."""

    how = Choice("sequential", "base and tuned are two full models")
    continues_text = False

    def __init__(self):
        self.asked = []

    def reply(self, base, tuned, sampling, stop=None):
        self.asked.append((base, tuned, sampling))
        yield Reply("The sea", "Arr, the", 2, 2, 30.0)
        yield Reply("The sea is blue.", "Arr, the sea be <blue>.", 5, 6, 34.4, done=True)


@pytest.fixture
def parrot(studio, monkeypatch):
    parrot = Parrot()
    monkeypatch.setattr(studio.pairs, "get", lambda run_id: parrot)
    return parrot


@pytest.fixture(scope="module")
def form():
    form = Form()
    with gr.Blocks():
        form.draw_rest("", Sampling)
    return form


def ask(studio, form, question, run_id, talk=None, system="", given=DEFAULTS):
    return list(compare.ask(studio, form, question, run_id, talk or Talk(), True, "", system, *given))


def test_both_answers_grow_and_differing_words_are_marked(studio, form, parrot, write_run):
    steps = ask(studio, form, "What colour is the sea?", write_run().id)
    assert "Generating both answers" in steps[0][2] and steps[0][5].visible
    talk, pane, line, _, ask_button, stop_button = steps[-1]
    assert talk.turns == (Turn("What colour is the sea?", "The sea is blue.", "Arr, the sea be <blue>."),)
    assert "<mark class='differs'>" in pane and "<blue>" not in pane
    assert "Base and tuned are two full models" in line and "same seed 7" in line and "34 tokens/s" in line
    assert ask_button.visible and not stop_button.visible


def test_each_model_continues_from_its_own_answer(studio, form, parrot, write_run):
    run = write_run()
    talk = Talk(run.id, (Turn("Hi", "Hello.", "Ahoy!"),))
    ask(studio, form, "And you?", run.id, talk)
    base, tuned, _ = parrot.asked[0]
    assert [m["content"] for m in base] == ["Hi", "Hello.", "And you?"]
    assert [m["content"] for m in tuned] == ["Hi", "Ahoy!", "And you?"]


def test_another_run_starts_another_conversation(studio, form, parrot, write_run):
    ask(studio, form, "Hi", write_run().id, Talk("001-other", (Turn("x", "y", "z"),)))
    assert len(parrot.asked[0][0]) == 1


def test_an_empty_question_asks_nothing(studio, form, parrot, write_run):
    steps = ask(studio, form, "  ", write_run().id)
    assert "Type a question first" in steps[0][2] and parrot.asked == []


def test_a_question_is_truncated_at_the_limit(studio, form, parrot, write_run):
    ask(studio, form, "x" * 9000, write_run().id)
    assert len(parrot.asked[0][0][0]["content"]) == compare.LONGEST_QUESTION


def test_settings_out_of_bounds_are_reported_and_the_question_comes_back(studio, form, parrot, write_run):
    last = ask(studio, form, "Hi", write_run().id, given=("7", "9", *DEFAULTS[2:]))[-1]
    assert "temperature" in last[2] and last[3] == "Hi" and last[0].turns == ()


@pytest.mark.parametrize("at", ["loading", "answering"])
def test_a_context_lost_in_a_chat_asks_for_a_new_process(studio, form, parrot, write_run, monkeypatch, at):
    def lose(*_, **__):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(*((studio.pairs, "get") if at == "loading" else (parrot, "reply")), lose)
    _, _, line, question, ask_button, _ = ask(studio, form, "Hi", write_run().id)[-1]
    assert studio.queue.context_lost.is_set() and "Restart the program" in line
    assert question == "Hi" and ask_button.visible


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory.")])
def test_a_chat_without_memory_says_so_and_leaves_the_process_alone(
    studio, form, parrot, write_run, monkeypatch, error
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(parrot, "reply", fail)
    _, _, line, question, _, _ = ask(studio, form, "Hi", write_run().id)[-1]
    assert "The machine ran out of memory." in line and question == "Hi"
    assert not studio.queue.context_lost.is_set()


def test_another_error_in_a_chat_passes_through(studio, form, parrot, write_run, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(parrot, "reply", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        ask(studio, form, "Hi", write_run().id)
    assert not studio.queue.context_lost.is_set()


def test_without_a_run_it_says_what_to_do(studio, form):
    assert "There is no finished run" in ask(studio, form, "Hi", None)[-1][2]


def test_a_greedy_answer_needs_no_seed():
    line = compare.facts(Parrot(), Sampling(greedy=True), Reply("", "", 5, 5, 10))
    assert "seed" not in line and "greedy decoding" in line and "truncated" not in line


def test_an_answer_that_was_truncated_is_marked_in_the_line():
    line = compare.facts(Parrot(), Sampling(), Reply("", "", 5, 256, 10, True, False, True))
    assert "tuned truncated at 256 tokens" in line


def test_both_are_asked_after_the_system_prompt_in_the_field(studio, form, parrot, write_run):
    run = write_run()
    ask(studio, form, "Hi", run.id, Talk(run.id, (Turn("a", "b", "c"),)), system=" Be brief. ")
    for asked in parrot.asked[0][:2]:
        assert asked[0] == {"role": "system", "content": "Be brief."} and len(asked) == 4
    ask(studio, form, "Hi", run.id)
    assert [turn["role"] for turn in parrot.asked[1][0]] == ["user"]


def test_sampling_settings_reach_the_pair(studio, form, parrot, write_run):
    ask(studio, form, "Hi", write_run().id, given=(*DEFAULTS[:5], "20", "1.2", "END\nUser:"))
    sampling = parrot.asked[0][2]
    assert (sampling.top_k, sampling.repetition_penalty, sampling.stop) == (20, 1.2, ("END", "User:"))


def test_choosing_a_run_offers_held_out_prompts(studio, write_run):
    talk, pane, _, chips, system, _ = compare.choose(studio, write_run().id)
    assert system == ""
    taught = write_run(data={"path": "assets/samples/pirate-voice.jsonl", "system": "Be kind."})
    assert compare.choose(studio, taught.id)[-2] == "Be kind."
    assert talk.turns == () and "The model before training." in pane and chips.count("data-pick=") == 6
    assert compare.choose(studio, None)[1] == compare.nothing_yet()


def test_marks_can_be_switched_off(studio):
    talk = Talk("001-x", (Turn("q", "a b", "a c"),))
    assert "<mark" in compare.redraw(talk, True) and "<mark" not in compare.redraw(talk, False)
    assert compare.redraw(Talk(), True) == compare.nothing_yet()


def test_clearing_keeps_the_run():
    assert compare.clear("001-x")[0] == Talk("001-x")


def test_settings_are_checked():
    with pytest.raises(RunError):
        compare.sampling_of({"max_tokens": 0})


def test_a_reward_model_scores_both_answers(studio, form, parrot, write_run, monkeypatch):
    run = write_run()
    monkeypatch.setattr(studio.raters, "scores", lambda run_id, asked, answers: tuple(float(len(a)) for a in answers))
    steps = list(compare.ask(studio, form, "Sea?", run.id, Talk(), True, run.id, "", *DEFAULTS))
    talk, pane = steps[-1][:2]
    assert talk.turns[-1].scores == (16.0, 23.0)
    assert "Score 16.00" in pane and "Score 23.00" in pane and "Score" not in steps[-2][1]


def test_reward_models_are_offered_once_there_are_some(studio, monkeypatch, write_run):
    assert not compare.raters(studio).visible
    run = write_run()
    monkeypatch.setattr(compare.chooser, "rates", lambda view: True)
    found = compare.raters(studio)
    assert found.visible and found.choices[1][1] == run.id
