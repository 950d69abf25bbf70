from finetune.evaluation.metrics.metric import Asked
from finetune.evaluation.metrics.words import answer_of, mostly, plain, typical_words, words


def test_thinking_is_no_part_of_an_answer():
    assert answer_of("<think>Is it 4?</think>\n 5 ") == "5" and answer_of(" 5") == "5"


def test_equal_answers_have_an_equal_plain_form():
    assert plain(" “Positive”.\n") == plain("**positive**") == "positive"
    assert plain("no way") != plain("noway")


def test_words_of_any_script():
    assert words("It's 3,000.5 Äpfel!") == ["it's", "3,000.5", "äpfel"]
    assert words("東京は大きい") == list("東京は大きい")
    assert words("снег и 雪") == ["снег", "и", "雪"]


def test_one_odd_row_of_twenty_does_not_count():
    asked = [Asked((), "12")] * 19 + [Asked((), "twelve")]
    assert mostly(asked, str.isdigit) and not mostly(asked[15:], str.isdigit) and not mostly([], str.isdigit)
    assert typical_words([Asked((), "a b c"), Asked((), "a"), Asked((), "a b")]) == 2
