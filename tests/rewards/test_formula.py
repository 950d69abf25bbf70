import pytest

from finetune.rewards.formula import FormulaError, NoNumberError, compute, names, parse

VALUES = {"answer": "Gladly! Oslo is 25 km away.", "city": "Oslo", "distance": 25, "expected": "25"}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("contains(answer, city)", 1),
        ("number(answer) == number(expected)", 1),
        ("number(answer) == distance", 1),
        ("words(answer) <= 6 and not contains(answer, 'sorry')", 1),
        ("1 if startswith(answer, 'no') else 0.25 * 2", 0.5),
        ("count(answer, 'l') - length(city)", -1),
        ("min(1, words(answer) / 12)", 0.5),
        ("max(0, -3, abs(-2))", 2),
        ("city in answer", 1),
        ("'Rome' not in answer", 1),
        ("0 < number(answer) < 30", 1),
        ("lower(city) == 'oslo' or endswith(answer, 'x')", 1),
        ("strip('  a ') == 'a'", 1),
    ],
)
def test_a_formula_gives_its_number(text, number):
    assert compute(parse(text), VALUES) == number


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "answer.__class__",
        "(lambda: 1)()",
        "[x for x in answer]",
        "answer[0]",
        "f'{answer}'",
        "open('/etc/passwd')",
        "2 ** 999999999",
        "'a' % 3",
        "words()",
        "contains(answer)",
        "number(x=1)",
        "answer = 1",
        "1 +",
        "",
        "(" * 400 + "1" + ")" * 400,
        "1" * 2000,
        "b'bytes'",
        "answer is city",
    ],
)
def test_what_is_more_than_a_formula_is_refused(text):
    with pytest.raises(FormulaError):
        parse(text)


@pytest.mark.parametrize("text", ["1 / 0", "number('none')", "1 + number(city)", "1 / number(city)"])
def test_what_has_no_number_says_so(text):
    with pytest.raises(NoNumberError):
        compute(parse(text), VALUES)


def test_a_value_that_is_missing_is_another_matter():
    with pytest.raises(FormulaError, match="The row has no country; it has answer") as error:
        compute(parse("country"), VALUES)
    assert not isinstance(error.value, NoNumberError)


def test_no_number_equals_nothing():
    assert compute(parse("number('none') == number('none')"), {}) == 0


def test_texts_do_not_grow():
    with pytest.raises(FormulaError, match="no number"):
        compute(parse("'a' * 1000000000"), {})


def test_the_names_that_a_formula_uses():
    assert names(parse("contains(answer, city) and words(answer) < 3")) == {"answer", "city"}
