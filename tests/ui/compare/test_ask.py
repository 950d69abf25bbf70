import gradio as gr
import pytest

from finetune.errors import BusyError, ModelError
from finetune.inference.panel import Column
from finetune.ui.compare import ask as compare
from finetune.ui.compare.layout import LONGEST_QUESTION
from finetune.ui.compare.pane import nothing_yet
from finetune.ui.compare.running import Running
from finetune.ui.compare.talk import Talk
from finetune.ui.form import Form

DEFAULTS = ("7", "0.3", "0.95", "256", False, "0", "1", "")
TALK, PANE, LINE, QUESTION, RUNNING, ASK, STOP = range(7)


def given(system="", values=DEFAULTS, rater="", also=()):
    return True, rater, list(also), system, *values


def ask(studio, form: Form, question, run_id, talk=None, running=None, **options):
    return list(compare.ask(studio, form, question, run_id, talk or Talk(), running, *given(**options)))


def retry(studio, form, pick, talk, **options):
    return list(compare.retry(studio, form, pick, talk.run_id, talk, None, *given(**options)))


@pytest.fixture
def talk(studio, form, parrot, write_run):
    """A conversation of three questions."""
    run_id, talk = write_run().id, None
    for question in ("One?", "Two?", "Three?"):
        talk = ask(studio, form, question, run_id, talk)[-1][TALK]
    return talk


def test_both_answers_grow_and_differing_words_are_marked(studio, form, parrot, write_run):
    steps = ask(studio, form, "What colour is the sea?", write_run().id)
    assert "Generating the answers" in steps[0][LINE] and steps[0][STOP].visible and steps[0][QUESTION] == ""
    assert all("data-pick='" not in step[PANE] for step in steps[:-1])
    last = steps[-1]
    (turn,) = last[TALK].turns
    assert [said.text for said in turn.said] == ["The sea is blue.", "Arr, the sea be <blue>."] and turn.is_done
    assert "<mark class='differs'>" in last[PANE] and "<blue>" not in last[PANE]
    assert "Base and tuned are two full models" in last[LINE]
    assert "Adapter off in the base · same seed 7" in last[LINE]
    assert "first token after 0.21 s" in last[PANE] and "34 tokens/s" in last[PANE]
    assert last[ASK].visible and not last[STOP].visible and steps[0][RUNNING].is_over


def test_each_model_continues_from_its_own_answer(talk, parrot):
    _, (base, tuned), _ = parrot.asked[1]
    assert [m["content"] for m in base] == ["One?", "The sea is blue.", "Two?"]
    assert [m["content"] for m in tuned] == ["One?", "Arr, the sea be <blue>.", "Two?"]


def test_another_run_starts_another_conversation(studio, form, parrot, write_run, talk):
    ask(studio, form, "Hi", write_run().id, talk)
    assert len(parrot.asked[-1][1][0]) == 1


def test_an_empty_question_asks_nothing(studio, form, parrot, write_run):
    steps = ask(studio, form, "  ", write_run().id)
    assert "Type a question first" in steps[0][LINE] and parrot.asked == []


def test_nothing_is_asked_while_the_models_answer(studio, form, parrot, write_run, talk):
    (step,) = ask(studio, form, "Hi", talk.run_id, talk, Running())
    assert "still answering" in step[LINE] and step[TALK] == gr.skip() and len(parrot.asked) == 3


def test_a_question_is_truncated_at_the_limit(studio, form, parrot, write_run):
    ask(studio, form, "x" * 9000, write_run().id)
    assert len(parrot.asked[0][1][0][0]["content"]) == LONGEST_QUESTION


def test_a_turn_is_retried_with_its_next_seed_and_later_turns_are_dropped(studio, form, talk, parrot):
    again = retry(studio, form, "retry:1", talk)[-1][TALK]
    assert [turn.question for turn in again.turns] == ["One?", "Two?"]
    assert parrot.asked[-1][2].seed == 8 == again.turns[1].seed
    assert retry(studio, form, "retry:1", again)[-1][TALK].turns[1].seed == 9
    for pick in ("retry:3", "retry:", "retry:-1", "retry:x"):
        assert retry(studio, form, pick, talk)[-1][TALK] == gr.skip()


def test_an_answer_that_was_stopped_stays_and_says_so(studio, form, parrot, write_run):
    parrot.stops_after = 0
    last = ask(studio, form, "Hi", write_run().id)[-1]
    assert [said.text for said in last[TALK].turns[0].said] == ["The ", "Arr,"] and last[TALK].turns[0].is_stopped
    assert "stopped" in last[LINE] and "data-pick='keep" not in last[PANE] and last[ASK].visible


def test_a_turn_that_was_interrupted_is_left_out_of_the_next_question(studio, form, parrot, write_run):
    run = write_run()
    interrupted = ask(studio, form, "Hi", run.id)[1]
    assert not interrupted[TALK].turns[0].is_done
    last = ask(studio, form, "Again?", run.id, interrupted[TALK])[-1]
    assert [turn.question for turn in last[TALK].turns] == ["Again?"]


def test_settings_out_of_bounds_are_reported_and_the_question_comes_back(studio, form, parrot, write_run):
    last = ask(studio, form, "Hi", write_run().id, values=("7", "9", *DEFAULTS[2:]))[-1]
    assert "temperature" in last[LINE] and last[QUESTION] == "Hi" and last[TALK].turns == ()


def test_answers_that_cannot_be_compared_are_not_shown(studio, form, parrot, write_run, monkeypatch):
    def refuse(*_):
        raise ModelError("The base column does not answer as the untouched base.", "Ask again.")

    monkeypatch.setattr(parrot, "reply", refuse)
    last = ask(studio, form, "Hi", write_run().id)[-1]
    assert "role='alert'" in last[LINE] and "notice error" in last[LINE] and "untouched base" in last[LINE]
    assert last[TALK].turns == () and "You asked" not in last[PANE] and last[QUESTION] == "Hi"


def test_while_a_training_has_the_machine_it_says_so_calmly(studio, form, parrot, write_run, monkeypatch):
    def refuse(*_):
        raise BusyError("The model does not fit beside the training.", "Ask again once it has ended.")

    monkeypatch.setattr(parrot, "reply", refuse)
    last = ask(studio, form, "Hi", write_run().id)[-1]
    assert "notice info" in last[LINE] and "role='status'" in last[LINE] and last[QUESTION] == "Hi"


def test_beside_a_training_it_says_why_it_takes_longer(studio, form, parrot, write_run, monkeypatch):
    run = write_run()
    assert "A run is training" not in ask(studio, form, "Hello?", run.id)[0][LINE]
    monkeypatch.setattr(studio.queue, "current", write_run(state=None))
    assert "A run is training, which goes first" in ask(studio, form, "Hello?", run.id)[0][LINE]


def test_a_context_lost_in_a_chat_asks_for_a_new_process(studio, form, parrot, write_run, monkeypatch):
    def lose(*_, **__):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(parrot, "reply", lose)
    last = ask(studio, form, "Hi", write_run().id)[-1]
    assert studio.queue.context_lost.is_set() and "Restart the program" in last[LINE]
    assert last[QUESTION] == "Hi" and last[ASK].visible


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("CUDA out of memory.")])
def test_a_chat_without_memory_says_so_and_leaves_the_process_alone(
    studio, form, parrot, write_run, monkeypatch, error
):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(parrot, "reply", fail)
    last = ask(studio, form, "Hi", write_run().id)[-1]
    assert "The machine ran out of memory." in last[LINE] and last[QUESTION] == "Hi"
    assert not studio.queue.context_lost.is_set()


def test_another_error_in_a_chat_passes_through(studio, form, parrot, write_run, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(parrot, "reply", fail)
    with pytest.raises(RuntimeError, match="shapes"):
        ask(studio, form, "Hi", write_run().id)
    assert not studio.queue.context_lost.is_set()


def test_without_a_run_it_says_what_to_do(studio, form):
    assert "There is no finished run" in ask(studio, form, "Hi", None)[-1][LINE]


def test_both_are_asked_after_the_system_prompt_in_the_field(studio, form, parrot, write_run, talk):
    ask(studio, form, "Hi", talk.run_id, talk, system=" Be brief. ")
    for asked in parrot.asked[-1][1]:
        assert asked[0] == {"role": "system", "content": "Be brief."} and len(asked) == 8
    ask(studio, form, "Hi", talk.run_id)
    assert [turn["role"] for turn in parrot.asked[-1][1][0]] == ["user"]


def test_sampling_settings_reach_the_panel(studio, form, parrot, write_run):
    ask(studio, form, "Hi", write_run().id, values=(*DEFAULTS[:5], "20", "1.2", "END\nUser:"))
    sampling = parrot.asked[0][2]
    assert (sampling.top_k, sampling.repetition_penalty, sampling.stop) == (20, 1.2, ("END", "User:"))


def test_further_columns_answer_beside_base_and_tuned(studio, form, parrot, write_run):
    other, run = write_run(name="other"), write_run()
    last = ask(studio, form, "Hi", run.id, also=["1 · other · finished", "7 · gone · finished"])[-1]
    assert parrot.asked[0][0] == (Column(run.id, is_base=True), Column(run.id), Column(other.id))
    assert "<h3>Run 1</h3>" in last[PANE] and "sides of-3" in last[PANE]


def test_the_expected_answer_of_a_held_out_question_is_shown(studio, form, parrot, write_run):
    run = write_run()
    prompt = studio.data.prompts(run)[0]
    last = ask(studio, form, prompt.question, run.id)[-1]
    assert last[TALK].turns[0].expected == prompt.expected and "Expected, from the data" in last[PANE]
    assert "Expected, from the data" not in ask(studio, form, "Never asked?", run.id)[-1][PANE]


def test_choosing_a_run_offers_held_out_prompts(studio, write_run):
    talk, pane, *_, chips, system, _, also = compare.choose(studio, write_run().id, None)
    assert system == "" and not also.visible
    taught = write_run(data={"path": "assets/samples/pirate-voice.jsonl", "system": "Be kind."})
    found = compare.choose(studio, taught.id, None)
    assert found[-3] == "Be kind." and found[-1].visible
    assert talk.turns == () and "The model before training." in pane and chips.count("data-pick=") == 6
    assert compare.choose(studio, None, None)[1] == nothing_yet()


def test_another_run_ends_the_answers_of_the_former(studio, write_run):
    running = Running()
    compare.choose(studio, write_run().id, running)
    assert running.stop.is_set() and running.is_over


def test_marks_can_be_switched_off(talk):
    assert "<mark" in compare.redraw(talk, True) and "<mark" not in compare.redraw(talk, False)
    assert compare.redraw(Talk(), True) == nothing_yet()


def test_clearing_keeps_the_run_and_its_columns(studio, talk):
    cleared = compare.clear(studio, talk.run_id, [], None)[0]
    assert cleared == Talk(talk.run_id, talk.columns)


def test_a_reward_model_scores_all_answers(studio, form, parrot, write_run, monkeypatch):
    run = write_run()
    monkeypatch.setattr(studio.raters, "scores", lambda run_id, asked, answers: tuple(float(len(a)) for a in answers))
    steps = ask(studio, form, "Sea?", run.id, rater=run.id)
    assert steps[-1][TALK].turns[-1].scores == (16.0, 23.0)
    assert "Score 16.00" in steps[-1][PANE] and "Score 23.00" in steps[-1][PANE] and "Score" not in steps[-2][PANE]


def test_reward_models_are_offered_once_there_are_some(studio, monkeypatch, write_run):
    assert not compare.raters(studio).visible
    run = write_run()
    monkeypatch.setattr(compare.chooser, "rates", lambda view: True)
    found = compare.raters(studio)
    assert found.visible and found.choices[1][1] == run.id
