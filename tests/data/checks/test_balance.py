from tests.rows import clean, finding, read, report_on


def labelled(**counts):
    asked = iter(clean(sum(counts.values())))
    return [{**next(asked), "completion": label} for label, count in counts.items() for _ in range(count)]


def rated(good, bad):
    rows = clean(good + bad)
    return [{**row, "label": n < good} for n, row in enumerate(rows)]


def test_labels_are_reported_with_their_shares():
    found = finding(labelled(refund=60, delivery=30, other=10), "labels")
    assert found.severity == "info"
    assert found.message == 'The answers are 3 fixed labels: "refund" 60 %, "delivery" 30 %, "other" 10 %.'


def test_one_label_nearly_always_is_a_warning():
    found = finding(labelled(ham=96, spam=4), "labels")
    assert found.severity == "warning" and 'always answers "ham"' in found.message
    assert (
        finding(labelled(ham=40), "labels").message
        == 'Every answer is "ham": with one class there is nothing to learn.'
    )


def test_thumbs_are_labels():
    assert finding(rated(30, 30), "labels").severity == "info"
    found = finding(rated(58, 2), "labels")
    assert found.severity == "warning" and '"thumbs up" 97 %' in found.message


def test_labels_are_no_boilerplate_nor_too_short():
    codes = [each.code for each in report_on(read(labelled(none=50, todo=50, other=50))).findings]
    assert codes == ["labels"]


def test_free_text_answers_have_no_labels():
    assert finding(clean(100), "labels") is None
    assert finding(labelled(yes=10, no=9), "labels") is None
    assert finding([*labelled(yes=50, no=50), *clean(120)[100:]], "labels") is None
