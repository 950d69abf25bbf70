from finetune.data.fixes.trim import Trim
from tests.rows import finding, read


def test_answers_lose_the_white_space_around_them_and_nothing_else_does():
    user, answer = {"role": "user", "content": " a\n"}, {"role": "assistant", "content": "\n b  c \n"}
    clean = {"role": "assistant", "content": "b  c"}
    for example in ({"messages": [user, answer]}, {"prompt": [user], "completion": [answer], "label": True}):
        found = Trim().on_example(example)
        assert [*found.values()][0][0] is user and clean in [*found.values()][-1 if "messages" in found else 1]
    pair = {"prompt": [answer, user], "chosen": [answer], "rejected": [clean]}
    assert Trim().on_example(pair) == {"prompt": [clean, user], "chosen": [clean], "rejected": [clean]}


def test_what_is_clean_stays_the_same_object():
    for example in (
        {"text": " a "},
        {"messages": [{"role": "user", "content": " a"}, {"role": "assistant", "content": "b"}]},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": []}]},
    ):
        assert Trim().on_example(example) is example


def test_the_check_leads_to_it():
    rows = [{"prompt": f"{n}?", "completion": f" {n}."} for n in range(12)]
    found = finding(rows, "untrimmed")
    assert found.fix == Trim() and len(found.rows) == 12 and found.button
    assert finding(rows, "untrimmed", found.fix) is None
    assert read(rows, found.fix).examples[3]["messages"][1]["content"] == "3."
    assert Trim().words.endswith(".")
