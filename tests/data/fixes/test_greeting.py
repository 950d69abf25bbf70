from finetune.data.fixes.greeting import Greeting
from tests.rows import finding, read

HELLO = [{"role": "assistant", "content": "Hello."}]
ASKED = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
SYSTEM = [{"role": "system", "content": "Be kind."}]


def first(turns, fix):
    return read([{"messages": turns}] * 2, fix).examples[0]["messages"]


def test_a_greeting_is_left_out():
    assert first(HELLO + ASKED, Greeting()) == ASKED
    assert first(SYSTEM + HELLO + HELLO + ASKED, Greeting()) == SYSTEM + ASKED
    assert first(ASKED, Greeting()) == ASKED


def test_or_kept_as_an_answer():
    kept = [{"role": "user", "content": "Hi."}, *HELLO, *ASKED]
    assert first(HELLO + ASKED, Greeting(question="Hi.")) == kept
    assert first(SYSTEM + HELLO + ASKED, Greeting(question="Hi.")) == SYSTEM + kept
    assert '"Hi."' in Greeting(question="Hi.").words and Greeting().words.endswith(".")


def test_answers_in_a_column_of_their_own_are_no_greeting():
    row = {"prompt": "Who?", "completion": HELLO + ASKED}
    assert read([row] * 2, Greeting()).examples[0]["messages"][1:] == HELLO + ASKED
    row = {"prompt": HELLO + ASKED[:1], "chosen": ASKED[1:], "rejected": HELLO}
    assert read([row] * 2, Greeting()).examples[0] == {"prompt": ASKED[:1], "chosen": ASKED[1:], "rejected": HELLO}


def test_rejected_rows_lead_to_it():
    found = finding([{"messages": HELLO + ASKED}, {"messages": ASKED}, {"messages": ASKED}], "rejected-greeting")
    assert found.fix == Greeting() and found.rows == (1,) and found.button
