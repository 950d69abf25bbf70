import json

from finetune.ui.train import judgements


def test_a_run_without_a_judge_shows_nothing(write_run):
    assert judgements.shown(write_run()) == ""


def test_the_newest_judgements_are_shown_first_and_as_text(write_run):
    run = write_run()
    kept = [{"question": f"What of {n}?", "answer": "<b>so</b>", "reply": "7", "points": 0.7} for n in range(20)]
    kept.append({"question": "And?", "answer": "", "reply": "hm", "points": None})
    run.judgements.write_text(
        "".join(json.dumps(each) + "\n" for each in kept) + '{"question": "half', encoding="utf-8"
    )
    drawn = judgements.shown(run)
    assert drawn.index("And?") < drawn.index("What of 19?") and "What of 3?" not in drawn
    assert "no points" in drawn and "7 of 10" in drawn and "&lt;b&gt;so" in drawn and "half" not in drawn
