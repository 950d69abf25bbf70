from finetune.ui.data.prompts import expected_of, first_prompt, prompts_of


def user(text):
    return {"role": "user", "content": text}


def says(text):
    return {"role": "assistant", "content": text}


SYSTEM = {"role": "system", "content": "Be brief."}
LONG = {"messages": [SYSTEM, user("a"), says("b"), user("c"), says("d")]}
EXAMPLES = [
    LONG,
    LONG,
    {"prompt": [user("pair")], "chosen": [says("good")], "rejected": [says("bad")]},
    {"prompt": [user("liked")], "completion": [says("yes")], "label": True},
    {"prompt": [user("disliked")], "completion": [says("no")], "label": False},
    {"prompt": [user("sum")], "answer": "17"},
    {"prompt": [user("open")]},
    {"text": "plain"},
    {"messages": [user("call"), says("")], "tools": [{"name": "f"}]},
]


def test_each_row_is_asked_up_to_its_last_answer():
    found = prompts_of(EXAMPLES)
    expected = {"c": "d", "pair": "good", "liked": "yes", "disliked": "", "sum": "17", "open": ""}
    assert {each.question: each.expected for each in found} == expected and len(found) == len(expected)
    assert found[0].messages == LONG["messages"][:-1]


def test_the_expected_answer_is_known_by_the_first_question():
    assert expected_of(EXAMPLES[:6]) == {"a": "b", "pair": "good", "liked": "yes", "sum": "17"}


def test_the_first_prompt_of_an_example():
    assert first_prompt({"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]}) == "q"
    assert first_prompt({"text": "no question"}) == ""
