import pytest

from finetune.ui.data.conversation import drawn

CHAT = {"messages": [{"role": "user", "content": "Is it <b>?"}, {"role": "assistant", "content": "Arr, aye!"}]}
SPANS = [
    ("<|im_start|>user\nIs it <b>?<|im_end|>\n<|im_start|>assistant\n", False),
    ("Arr, aye!<|im_end|>", True),
    ("\n", False),
]
PAIR = {
    "prompt": [{"role": "user", "content": "Hello?"}],
    "chosen": [{"role": "assistant", "content": "Hi."}],
    "rejected": [{"role": "assistant", "content": "Go away."}],
}


def turns(html):
    return html.split("</dl>")[0]


def test_turns_are_labeled_and_only_the_answer_is_marked():
    html = turns(drawn(CHAT, [SPANS]))
    assert "<dt>user</dt><dd>Is it &lt;b&gt;?</dd>" in html
    assert (
        "<dt>assistant</dt><dd><mark class='trained'>Arr, aye!<span class='token'>&lt;|im_end|&gt;</span></mark></dd>"
        in html
    )
    assert "im_start" not in html


def test_the_exact_text_is_underneath():
    html = drawn(CHAT, [SPANS])
    assert "Exactly as the model reads it" in html and "&lt;|im_start|&gt;" in html.split("<details")[1]


def test_a_pair_shows_the_question_once_and_both_answers():
    chosen = [("<u>Hello?<a>", False), ("Hi.<e>", True)]
    rejected = [("<u>Hello?<a>", False), ("Go away.<e>", True)]
    html = turns(drawn(PAIR, [chosen, rejected]))
    assert html.count("Hello?") == 1
    assert (
        "<dt>chosen</dt><dd><mark class='trained'>Hi." in html
        and "<dt>rejected</dt><dd><mark class='rejected'>Go away." in html
    )


def test_plain_text_is_marked_whole():
    assert "<dt>text</dt><dd><mark class='trained'>All of it</mark></dd>" in drawn(
        {"text": "All of it"}, [[("All of it", True)]]
    )


def test_a_template_that_changes_the_words_is_shown_as_it_is():
    html = turns(drawn(CHAT, [[("IS IT? ", False), ("ARR!", True)]]))
    assert "<dt>text</dt><dd>IS IT? <mark class='trained'>ARR!</mark></dd>" in html


def test_a_truncated_answer_ends_where_it_was_truncated():
    example = {
        "messages": [CHAT["messages"][0], {"role": "assistant", "content": "Arr, a long and winding answer it be"}]
    }
    html = turns(drawn(example, [[("u\nIs it <b>?\na\n", False), ("Arr, a long and wi", True)]]))
    assert "<mark class='trained'>Arr, a long and wi</mark>" in html


def test_nothing_a_row_says_becomes_html():
    evil = "<img src=x onerror=alert(1)>"
    example = {"messages": [{"role": "user", "content": evil}, {"role": evil, "content": evil}]}
    html = drawn(example, [[(evil, False), (evil, True)]])
    assert "<img" not in html


def test_a_turn_that_only_calls_a_tool_shows_the_call():
    call = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "weather"}}]}
    example = {"messages": [{"role": "user", "content": "Rain?"}, call, {"role": "tool", "content": "no"}]}
    spans = [("<u>Rain?<a>", False), ('call weather("here")<e>', True), ("<t>no<e>", False)]
    html = turns(drawn(example, [spans]))
    assert "<dt>assistant</dt><dd><mark class='trained'>call weather(" in html
    assert "<dt>tool</dt><dd>no</dd>" in html


@pytest.mark.parametrize(
    ("label", "mark", "key"), [(True, "trained", "more likely"), (False, "rejected", "less likely")]
)
def test_a_rated_answer_is_marked_by_its_rating(label, mark, key):
    example = {"prompt": PAIR["prompt"], "completion": PAIR["chosen"], "label": label}
    html = drawn(example, [[("<u>Hello?<a>", False), ("Hi.<e>", True)]])
    assert html.count("Hello?") == 2 and f"<dt>assistant</dt><dd><mark class='{mark}'>Hi." in html and key in html


def test_a_prompt_is_a_turn_with_what_is_expected_below_it():
    example = {"prompt": [{"role": "user", "content": "2 + 2?"}], "answer": "<4>"}
    html = drawn(example, [[("<|im_start|>user\n2 + 2?<|im_end|>\n<|im_start|>assistant\n", False)]])
    assert "<dt>user</dt><dd>2 + 2?</dd>" in html and "<dt>expected</dt><dd>&lt;4&gt;</dd>" in html
    assert "<mark" not in html and "im_start" not in turns(html)
