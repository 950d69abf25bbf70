import pytest

from tests.rows import clean, finding


def saying(text):
    return [*clean(100), {"prompt": "Where is it?", "completion": f"It is {text}, they say, in the harbour."}]


@pytest.mark.parametrize(
    "text",
    [
        "CafÃ© Central",
        "donâ€™t",
        "f\ufffdr Elise",
        "Â£5",
        "naÃ¯ve",
        "ÐŸÑ€Ð¸Ð²ÐµÑ‚",
        "ðŸ˜€",
        "ÀïË¹±¾µÄÈË",
        "Ïðèâåò, ëþäè",
        "оПХБЕР",
    ],
)
def test_garbled_characters_are_reported_and_left_out(text):
    rows = saying(text)
    found = finding(rows, "broken-letters")
    assert (found.severity, found.rows) == ("warning", (101,))
    assert finding(rows, "broken-letters", found.fix) is None


@pytest.mark.parametrize(
    "text",
    [
        "Café Central",
        "don’t",
        "für Elise",
        "£5",
        "SÃO PAULO",
        "20 °C",
        "Ângela",
        "Привет",
        "😀",
        "你好",
        "ÜBERGRÖSSE",
        "«···»",
        "ПРИВЕТ",
        "еёЖ",
    ],
)
def test_correct_characters_are_not_reported(text):
    assert finding(saying(text), "broken-letters") is None


@pytest.mark.parametrize("text", ["<b>here</b>", "a<br/>b", "here&nbsp;now", "Q&amp;A", "it&#39;s"])
def test_html_is_reported(text):
    rows = saying(text)
    found = finding(rows, "html")
    assert (found.severity, found.rows) == ("warning", (101,))
    assert finding(rows, "html", found.fix) is None


@pytest.mark.parametrize(
    "text", ["a < b && c > d", "R&D", "```\n<p>x</p>\n```", "the HTML tag <b>x</b>", "<think> so </think>"]
)
def test_intended_html_is_not_reported(text):
    assert finding(saying(text), "html") is None


def test_only_the_text_of_a_row_is_checked():
    tool = {"type": "function", "function": {"name": "send", "description": "Gives <b>bold</b> text<br>"}}
    talk = [{"role": "user", "content": "Send it."}, {"role": "assistant", "content": "It is on its way."}]
    rows = [{"messages": talk, "tools": [tool]}] * 3
    assert finding(rows, "html") is None
    assert finding([{**row, "messages": [*talk[:1], {**talk[1], "content": "Is<br>it?"}]} for row in rows], "html")
