import gradio as gr

from finetune.runs import events
from finetune.ui.train import runs


def board(studio, *ids):
    """What is shown for the runs ``ids``."""
    return runs.refresh(studio, list(ids), None)[2]


def test_without_two_runs_it_says_how_to_get_them(studio, write_run):
    assert "A comparison needs two runs" in runs.refresh(studio, None, None)[2]
    write_run()
    assert "learning_rate: [0.001, 0.003]" in runs.refresh(studio, None, None)[2]


def test_with_one_picked_it_asks_for_another(studio, write_run):
    first, _ = write_run(), write_run()
    assert "Pick at least two" in board(studio, first.id)


def test_two_runs_are_one_chart_and_a_table_of_what_differs(studio, write_run):
    first, second = write_run("one"), write_run("two <b>", data={"path": "assets/samples/general.jsonl"})
    html = board(studio, first.id, second.id)
    assert html.count("<figure") == 1 and html.count("<tr>") == 3
    assert "data general.jsonl" in html and "two &lt;b&gt;" in html and "<b>1.2</b> at step 10" in html
    assert "<b>Learning.</b>" in html and "20 s" in html


def test_the_lowest_loss_is_marked_only_where_losses_can_be_compared(studio, write_run):
    first, second, third = write_run(), write_run(), write_run(data={"path": "assets/samples/general.jsonl"})
    assert "class='best'" in board(studio, first.id, second.id)
    html = board(studio, first.id, third.id)
    assert "class='best'" not in html and "cannot be compared, because they differ in: data" in html


def test_what_a_method_reports_has_a_column(studio, write_run):
    first, second = write_run(metrics={"accuracy": 0.9, "margin": 1.5}), write_run()
    html = board(studio, first.id, second.id)
    assert "Reward accuracy" in html and ">90 %<" in html and ">1.5<" in html and ">–<" in html


def test_runs_whose_loss_says_nothing_are_compared_by_their_reward(studio, write_run):
    first, second = (write_run(method="grpo", metrics={"reward": reward, "kl": 0.1}) for reward in (0.4, 0.9))
    html = board(studio, first.id, second.id)
    assert "Held-out reward of each run" in html and "Higher is better" in html and "Highest held-out reward" in html
    assert "<b>0.9</b> at step 0 <span class='best'>highest</span>" in html and html.count("class='best'") == 1
    assert "held-out loss" not in html
    other = write_run(metrics={"accuracy": 0.5})
    assert "Held-out loss of each run" in board(studio, first.id, other.id)


def test_the_runs_of_the_newest_sweep_are_suggested(studio, write_run):
    assert runs.suggested(studio) == []
    ids = [write_run(f"run (rank {n})", sweep=sweep).id for n, sweep in enumerate(("a", "b", None, "b"))]
    assert [run.id for run in runs.suggested(studio)] == [ids[1], ids[3]]
    plain = write_run("plain")
    assert [run.id for run in runs.suggested(studio)] == [ids[3], plain.id]


def test_only_what_is_new_is_sent(studio, write_run):
    first, second = write_run(), write_run(steps=3, state=None)
    with second.held():
        seen, picker, html = runs.refresh(studio, None, None)
        assert picker.value == [first.id, second.id] and "<svg" in html and "3 of 10" in html
        assert runs.refresh(studio, None, seen) == [gr.skip()] * 3
        second.emit(events.Stepped(step=4, epoch=0, loss=1.0, learning_rate=0))
        again, picker, html = runs.refresh(studio, None, seen)
    assert again != seen and "4 of 10" in html and picker == gr.skip()


def test_runs_that_are_gone_and_more_than_fit_are_passed_over(studio, write_run):
    ids = [write_run().id for _ in range(10)]
    seen, _, html = runs.refresh(studio, ["099-gone", *ids], None)
    assert seen[1] == ids[:7] and html.count("<tr>") == 8


def test_the_fold_has_a_value_for_each_component(studio):
    with gr.Blocks():
        parts = runs.draw(studio)
        runs.wire(studio, parts)
    assert len(parts.refreshed()) == len(runs.refresh(studio, None, None)) and not parts.clock.active
