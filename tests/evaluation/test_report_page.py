import json
import re
from html.parser import HTMLParser

import pytest

from finetune.evaluation.cost import Cost
from finetune.evaluation.report import report
from finetune.evaluation.report_page import POLICY, date, energy, money, page, write
from finetune.runs.events import Fingerprinted, Noted
from tests import scored
from tests.browser import DESKTOP, PHONE


class Elements(HTMLParser):
    """Which elements there are, with which attributes, and the text around them."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[tuple[str, dict]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def hostile(workspace, write_run):
    """The report of a run whose every text wants to be more than text."""
    texts = list(scored.HOSTILE)
    run = write_run(name=texts[0][:80], data={"path": "<b>rows</b>.jsonl"})
    for text in texts:
        run.emit(Noted(message=text, level="warning"))
    run.emit(Fingerprinted(rows="<i>hash</i>", base="b" * 64))
    rows = [scored.row(n, 0.0, float(n != 1), text=text) for n, text in enumerate(texts)]
    found = scored.scores(notes=tuple(texts), judged=scored.judged().model_copy(update={"judge": texts[1]}))
    return report(scored.evaluated(run, found, rows), workspace)


@pytest.fixture
def usual(workspace, write_run):
    return report(scored.evaluated(write_run()), workspace, price=2.5)


def test_hostile_texts_are_shown_as_they_are_and_are_nothing_else(hostile):
    elements = Elements(page(hostile))
    assert not {tag for tag, _ in elements.found} & {"script", "img", "a", "iframe", "link", "form", "object", "b"}
    assert [tag for tag, _ in elements.found].count("h1") == 1
    assert not [name for _, given in elements.found for name in given if name.startswith("on")]
    for text in scored.HOSTILE:
        assert text in elements.text


def test_texts_of_others_have_their_own_direction(hostile):
    html = page(hostile)
    for text in ("שלום", "HYPERLINK"):
        for start in re.finditer(text, html):
            opened = re.findall(r"<(?:p|li|dd|h1|pre|strong)[^>]*>", html[: start.start()])
            assert "dir=" in opened[-1] or (opened[-1] == "<strong>" and "dir=" in opened[-2])


def test_the_page_may_load_nothing(usual):
    elements = Elements(page(usual))
    (policy,) = [given["content"] for tag, given in elements.found if given.get("http-equiv")]
    assert policy == POLICY == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert not re.search(r"https?://|url\(|@import|src=", page(usual))


def test_words_come_before_figures(usual):
    text = Elements(page(usual)).text
    order = ["pirate voice", "Use it for", "What was taught", "Before and after", "What it kept", "Five examples",
             "Limits and risks", "Data and training", "What it cost", "How to use it", "How to repeat it"]  # fmt: skip
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "Still missing" not in text and "2.50 € an hour" in text and "not measured: this machine" in text


def test_without_an_evaluation_the_page_says_what_is_missing(workspace, write_run):
    html = page(report(write_run(), workspace))
    assert "Still missing" in html and "How the training went" in html and "What it kept" not in html
    assert "Before and after" not in html and "Examples" not in html


def test_amounts_of_energy_and_money_have_few_figures():
    assert energy(Cost(training_s=1, energy_kwh=0.0123)) == "12.3 Wh"
    assert energy(Cost(training_s=1, energy_kwh=12.34)) == "12.3 kWh"
    assert [money(0), money(0.004), money(0.5), money(1234.5)] == ["0.00 €", "0.004 €", "0.50 €", "1,234.50 €"]
    assert date(1_700_000_000.0).endswith("November 2023")


def test_page_and_facts_are_two_files_side_by_side(usual, tmp_path):
    html, facts = write(usual, tmp_path / "new" / "report.html")
    assert html.read_text(encoding="utf-8") == page(usual) and json.loads(facts.read_text())["run"] == usual.run
    odd = usual.model_copy(update={"name": "half a \ud83d pair"})
    assert "half a ? pair" in page(odd) and "half a ? pair" in write(odd, html)[0].read_text(encoding="utf-8")
    assert sorted(path.name for path in html.parent.iterdir()) == ["report.html", "report.json"]


def opened(browser, html, size=DESKTOP, scheme="light"):
    """The page in a browser, and what it asked for."""
    shown = browser.new_context(viewport=size, color_scheme=scheme).new_page()
    asked, errors = [], []
    shown.on("request", lambda request: asked.append(request.url))
    shown.on("console", lambda message: errors.append(message.text))
    shown.set_content(html, wait_until="load")
    return shown, asked, errors


def test_it_prints_on_two_pages_and_asks_for_nothing(browser, usual, hostile):
    shown, asked, errors = opened(browser, page(usual))
    printed = shown.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 2
    assert (asked, errors) == ([], [])
    shown, asked, errors = opened(browser, page(hostile))
    assert (asked, errors) == ([], []) and shown.locator("h1").count() == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_anyone(browser, usual, scheme):
    from axe_playwright_python.sync_playwright import Axe

    shown, *_ = opened(browser, page(usual).replace(POLICY, ""), scheme=scheme)
    found = [
        each["id"] for each in Axe().run(shown).response["violations"] if each["impact"] in ("serious", "critical")
    ]
    assert found == []


def test_it_fits_a_phone_and_is_dark_where_that_is_wished(browser, usual, hostile):
    for html in (page(usual), page(hostile)):
        shown, *_ = opened(browser, html, PHONE)
        assert shown.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    ground = "getComputedStyle(document.body).backgroundColor"
    colors = [opened(browser, page(usual), scheme=scheme)[0].evaluate(ground) for scheme in ("light", "dark")]
    assert colors == ["rgb(255, 255, 255)", "rgb(15, 23, 42)"]
