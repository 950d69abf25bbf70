from tests.rows import clean, finding

GERMAN = "Das ist nicht leicht zu sagen, und ich weiß auch nicht, wie es mit der Lampe ist."
ENGLISH = "That is not easy to say, and I do not know what it was with the lamp for you."


def asked(answers):
    return [{**row, "completion": f"{answer} {n}"} for n, (row, answer) in enumerate(zip(clean(len(answers)), answers))]


def test_a_few_rows_in_another_language_are_a_warning():
    rows = asked([ENGLISH] * 60 + [GERMAN] * 2)
    found = finding(rows, "languages")
    assert (found.severity, found.rows) == ("warning", (61, 62))
    assert found.message.startswith("2 rows are mostly in German, but most are in English")
    assert finding(rows, "languages", found.fix) is None


def test_another_script_is_reported():
    found = finding(asked([ENGLISH] * 60 + ["Этого никто не знает."]), "languages")
    assert found.rows == (61,) and "Cyrillic" in found.message


def test_several_languages_may_be_intended():
    found = finding(asked([ENGLISH] * 30 + [GERMAN] * 20), "languages")
    assert (found.severity, found.rows, found.fix) == (
        "info",
        (),
        None,
    ) and "60 % English, 40 % German" in found.message


def test_one_language_is_not_reported():
    assert finding(asked([GERMAN] * 50), "languages") is None and finding(clean(50), "languages") is None
