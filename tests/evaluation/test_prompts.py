import json

import pytest

from finetune.errors import DataError
from finetune.evaluation import prompts
from finetune.paths import ASSETS
from finetune.recipe import Recipe

DATA = {"path": "assets/samples/pirate-voice.jsonl"}
RECIPE = Recipe.from_dict({"data": DATA | {"system": "Be brief."}})


def uploaded(workspace, tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return workspace.keep(path, name)


def find(workspace):
    return lambda path: workspace.find(path, trusted=False)


def test_held_out_rows_are_asked_as_they_were_trained_without_their_answers(workspace, write_run):
    run = write_run(data=DATA | {"system": "Be brief."})
    found = prompts.of_held_out(run, workspace, 20)
    assert len(found) == 20 and found == prompts.of_held_out(run, workspace, 20)
    assert all([turn["role"] for turn in each] == ["system", "user"] for each in found)
    lines = (ASSETS / "samples/pirate-voice.held-out.jsonl").read_text().splitlines()
    held_out = {json.loads(line)["messages"][0]["content"] for line in lines}
    assert {each[-1]["content"] for each in found} <= held_out
    assert len(prompts.of_held_out(run, workspace, 500)) == 50


def test_a_later_round_is_asked_what_no_round_was_trained_on(workspace, write_run, tmp_path):
    first = write_run()
    whole = prompts.of_held_out(first, workspace, 50)
    pairs = [{"prompt": prompt, "chosen": "Arr.", "rejected": "No."} for prompt in whole[:20]]
    path = uploaded(workspace, tmp_path, "votes.jsonl", "\n".join(map(json.dumps, pairs)))
    second = write_run(model={"run": first.id}, data={"path": path, "format": "preference"}, method="dpo")
    found = prompts.of_held_out(second, workspace, 200)
    assert len(found) == 32, "30 that nobody voted on, and the two of the votes that are held out"
    assert sum(prompt in whole[:20] for prompt in found) == 2
    third = write_run(model={"run": "099-gone"}, data={"path": path, "format": "preference"}, method="dpo")
    assert len(prompts.of_held_out(third, workspace, 200)) == 2


def test_a_run_without_held_out_questions_says_what_else_to_do(workspace, write_run):
    with pytest.raises(DataError, match="plain text") as error:
        prompts.of_held_out(write_run(data={"path": "assets/samples/handbook.txt"}), workspace, 20)
    assert "Write your own questions" in error.value.hint
    with pytest.raises(DataError, match="no held-out rows"):
        prompts.of_held_out(
            write_run(data={"path": "assets/samples/messy-support.csv", "held_out_share": 0}), workspace, 20
        )
    with pytest.raises(DataError, match="cannot be read"):
        prompts.of_held_out(write_run(data={"path": "uploads/gone.jsonl"}), workspace, 20)


def test_a_list_gives_a_question_a_line_after_the_system_prompt():
    found = prompts.of_list(RECIPE, " Is it blue? \n\nIs it red?\nIs it blue?\n")
    assert [[turn["content"] for turn in each] for each in found] == [
        ["Be brief.", "Is it blue?"],
        ["Be brief.", "Is it red?"],
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [(" \n", "no questions yet"), ("\n".join(map(str, range(201))), "201 questions"), ("a\n" + "x" * 8001, "2 is too")],
)
def test_a_list_that_cannot_be_asked_is_refused_in_words(text, words):
    with pytest.raises(DataError, match=words):
        prompts.of_list(RECIPE, text)


def test_a_file_of_any_kind_gives_its_questions(workspace, tmp_path):
    chats = [{"messages": [{"role": "user", "content": f"Hi {n}"}, {"role": "assistant", "content": "Ho"},
                           {"role": "user", "content": "And?"}, {"role": "assistant", "content": "No."}]}
             for n in range(9)]  # fmt: skip
    path = uploaded(workspace, tmp_path, "chats.jsonl", "\n".join(map(json.dumps, chats)))
    found = prompts.of_file(RECIPE, path, find(workspace), 5)
    assert len(found) == 5
    assert all([turn["role"] for turn in each] == ["system", "user", "assistant", "user"] for each in found)
    path = uploaded(workspace, tmp_path, "questions.txt", "Who are you?\nWhere is it?\n\nWhy?\n")
    found = prompts.of_file(RECIPE, path, find(workspace), 20)
    assert [each[-1]["content"] for each in found] == ["Who are you?", "Where is it?", "Why?"]
    pairs = "prompt,chosen,rejected\n" + "".join(f"Is {n} odd?,Yes {n}.,No {n}.\n" for n in range(4))
    found = prompts.of_file(RECIPE, uploaded(workspace, tmp_path, "pairs.csv", pairs), find(workspace), 20)
    assert [each[-1]["content"] for each in found] == [f"Is {n} odd?" for n in range(4)]


def test_a_file_elsewhere_on_the_machine_is_not_found(workspace, tmp_path):
    (tmp_path / "secret.txt").write_text("Who?")
    with pytest.raises(Exception, match="no data file"):
        prompts.of_file(RECIPE, str(tmp_path / "secret.txt"), find(workspace), 20)


def test_what_is_more_than_text_or_asks_nothing_is_no_prompt():
    picture = [{"role": "user", "content": [{"type": "image"}]}]
    assert prompts.before_answer({"messages": [*picture, {"role": "assistant", "content": "A cat."}]}) is None
    assert prompts.before_answer({"messages": [{"role": "assistant", "content": "Hello."}]}) is None
    assert prompts.before_answer({"text": "Once upon a time"}) is None
