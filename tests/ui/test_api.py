import re

import pytest

from finetune.errors import DataError, ModelError, RecipeError, RunError
from finetune.inference.chat import Reply
from finetune.ui import api


def test_check_reports_a_file_and_names_the_path_for_a_recipe(studio, with_tiny, tmp_path):
    path = tmp_path / "qa.csv"
    path.write_text("question,answer\n" + "\n".join(f"q{i},a{i}" for i in range(12)))
    report = api.check(studio, str(path), "tiny", 128)
    assert report["kept"] == 12 and re.fullmatch(r"uploads/[0-9a-f]{16}/qa\.csv", report["data"])
    assert studio.workspace.find(report["data"], trusted=False).is_file()


def test_check_of_a_bad_file(studio, tmp_path):
    path = tmp_path / "bad.json"
    path.write_text("{")
    with pytest.raises(DataError):
        api.check(studio, str(path), "tiny", 128)


@pytest.mark.parametrize("recipe", ["", "name: x", "data: {path: /etc/passwd}"])
def test_start_refuses_what_cannot_be_run(studio, recipe):
    with pytest.raises((RecipeError, RunError)):
        api.start(studio, recipe)
    assert studio.workspace.runs() == []


def test_status_gives_the_figures_of_a_view_as_plain_values(studio, write_run):
    status = api.status(studio, write_run().id)
    assert status["state"] == "done" and status["fraction"] == 1.0 and status["loss"] == 1.0
    assert status["best_step"] == 10 and not status["resumable"]
    assert [evaluation["step"] for evaluation in status["evaluations"]] == [0, 5, 10]
    assert status["samples"][-1]["answers"][0]["tuned"] == "Arr, after 10!"


def test_stop_asks_the_run_to_stop(studio, write_run):
    run = write_run(steps=2, state=None)
    with run.held():
        assert api.stop(studio, run.id)["state"] == "stopping"


def test_a_run_is_paused_and_resumed(still, write_run):
    run = write_run(steps=2, state=None)
    with run.held():
        assert api.pause(still, run.id)["state"] == "stopping" and run.asked == "pause"
    assert api.status(still, run.id)["resumable"]
    status = api.resume(still, run.id)
    assert status["state"] == "queued" and not status["resumable"]
    with pytest.raises(RunError, match="has not ended"):
        api.resume(still, run.id)
    assert api.stop(still, run.id)["state"] == "paused" and still.queue.waiting() == []


def test_a_context_lost_in_an_answer_asks_for_a_new_process(studio, write_run, monkeypatch):
    def lose(_):
        raise RuntimeError("CUDA error: unspecified launch failure")

    monkeypatch.setattr(studio.pairs, "get", lose)
    with pytest.raises(ModelError, match="stopped working"):
        api.compare(studio, write_run().id, "Hi", 7, 5, True)
    assert studio.queue.context_lost.is_set()


@pytest.mark.parametrize(("given", "first"), [((), "Be kind."), (("Be brief.",), "Be brief."), (("",), None)])
def test_compare_asks_after_the_recipes_system_prompt_unless_another_is_given(
    studio, write_run, monkeypatch, given, first
):
    asked = []

    class Parrot:
        def reply(self, base, tuned, sampling):
            asked.append((base, tuned))
            yield Reply("a", "b", 5, 4, 30.0, True, True)

    monkeypatch.setattr(studio.pairs, "get", lambda _: Parrot())
    run = write_run(data={"path": "assets/samples/pirate-voice.jsonl", "system": "Be kind."})
    answer = api.compare(studio, run.id, "Hi", 7, 5, True, *given)
    assert answer["base_truncated"] and not answer["tuned_truncated"] and answer["tuned"] == "b"
    expected = [{"role": "system", "content": first}] if first else []
    assert asked == [([*expected, {"role": "user", "content": "Hi"}],) * 2]


def test_a_client_may_leave_out_the_system_prompt(studio):
    import gradio as gr

    with gr.Blocks() as page:
        api.draw(studio)
    parameters = page.get_api_info()["named_endpoints"]["/compare"]["parameters"]
    assert [each["parameter_name"] for each in parameters][:2] == ["run_id", "prompt"]
    assert parameters[-1]["parameter_name"] == "system" and parameters[-1]["parameter_has_default"]
    assert parameters[-1]["parameter_default"] is None


def test_a_mistake_reaches_the_caller_in_words(studio):
    import gradio as gr

    with pytest.raises(gr.Error, match="There is no run"):
        api.public(api.status, studio)("099-gone")
