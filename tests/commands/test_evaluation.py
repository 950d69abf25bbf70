import json

from finetune.evaluation.sheet import Request, Sheet, read
from tests.evaluation.figures import row, scores


def scored(run, **more):
    Sheet(run).ask(Request()).finish(scores(run.id, **more), [row()])
    return run


def test_what_the_scores_mean_comes_before_the_figures(command, write_run):
    run = scored(write_run())
    code, out, _ = command("evaluate", "1")
    assert code == 0 and out.index("Use it for what it was taught.") < out.index("chrF *")
    assert run.id in out and "40 %" in out and "better" in out and "120 general questions" in out


def test_several_runs_stand_in_one_table(command, write_run):
    scored(write_run())
    scored(write_run(), still=58)
    code, out, _ = command("evaluate", "1", "2")
    table = out[out.rindex("run ") :]
    assert code == 0 and "58 %" in table and "98 %" in table and "Use it with care" in table


def test_as_json_it_has_every_figure_and_the_verdict(command, write_run):
    run = scored(write_run())
    code, out, _ = command("evaluate", "1", "--json")
    (found,) = json.loads(out)["runs"]
    assert code == 0 and found["asked"]["main"] == "chrf" and found["verdict"][0] == "Use it for what it was taught."
    assert found["run"] == run.id


def test_a_run_without_scores_is_evaluated_and_one_with_them_only_when_asked_again(command, write_run, monkeypatch):
    asked = []

    def evaluate(run, workspace, request, report):
        asked.append(request)
        return scores(run.id), [row()]

    monkeypatch.setattr("finetune.evaluation.evaluate.evaluate", evaluate)
    run = write_run()
    for words in ((), (), ("--again", "--rows", "7")):
        assert command("evaluate", "1", *words)[0] == 0
    assert asked == [Request(), Request(rows=7)] and read(run) is not None
    assert command("evaluate", "1", "--data", "assets/samples/pirate-voice.held-out.jsonl")[0] == 0
    assert asked[-1].data


def test_a_run_that_is_not_there_is_an_error(command):
    code, _, error = command("evaluate", "9")
    assert code == 2 and "There is no run '9'" in error
