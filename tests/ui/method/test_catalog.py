import pytest

from finetune.adapters import ADAPTERS
from finetune.methods import METHODS
from finetune.ui.method import catalog
from finetune.ui.method.catalog import entries, linked, picked, title


def test_every_method_and_every_adapter_has_one_card_with_its_words():
    html = catalog.catalog("", "sft", "lora")
    assert html.count("type='radio'") == len(METHODS) + len(ADAPTERS)
    for axis, types in (("method", METHODS), ("adapter", ADAPTERS)):
        for name, cls in types.items():
            assert html.count(f"value='{axis}:{name}'") == 1
            for words in (cls.analogy, cls.engineer, cls.avoid):
                assert catalog.escape(words) in html
    assert "' disabled>" not in html and html.count("' checked>") == 2


def test_a_method_that_the_data_cannot_serve_says_why_and_cannot_be_chosen():
    cards = {entry.name: entry for entry in entries("chat", "sft", "lora")["method"]}
    assert cards["dpo"].reason == "Needs pairs of answers; your data is conversations."
    assert not cards["sft"].reason and cards["sft"].serves == "Fits your data."
    html = catalog.catalog("chat", "sft", "lora")
    assert "aria-describedby='about-method-dpo' disabled>" in html
    assert "aria-describedby='about-method-sft' checked>" in html


def test_without_data_a_card_says_what_it_needs():
    cards = {entry.name: entry for entry in entries("", "sft", "lora")["method"]}
    assert cards["dpo"].serves == "Needs pairs of answers." and not cards["dpo"].reason


@pytest.fixture
def fussy(monkeypatch):
    """DPO refuses full fine-tuning for as long as the test runs."""
    monkeypatch.setattr(METHODS["dpo"], "refuses", lambda self, adapter: "No full." if adapter.type == "full" else "")


def test_an_adapter_that_the_method_refuses_says_why_and_cannot_be_chosen(fussy):
    cards = {entry.name: entry for entry in entries("preference", "dpo", "lora")["adapter"]}
    assert cards["full"].reason == "No full." and not cards["lora"].reason
    html = catalog.catalog("preference", "dpo", "lora")
    assert "aria-describedby='about-adapter-full' disabled" in html and "No full." in html
    assert not any(entry.reason for entry in entries("chat", "sft", "lora")["adapter"])


def test_a_picked_card_sets_its_axis_alone_unless_the_pair_is_refused(fussy):
    assert picked("method:dpo", "sft", "qlora") == ("dpo", "qlora")
    assert picked("adapter:full", "sft", "lora") == ("sft", "full")
    method, adapter = picked("method:dpo", "sft", "full")
    assert method == "dpo" and adapter != "full"
    assert picked("method:nonsense", "sft", "full") == ("sft", "full") == picked("", "sft", "full")


def test_a_paper_links_to_its_page_and_nothing_else_is_html():
    assert linked("A & B 2024, arXiv 2402.01306").startswith(
        "A &amp; B 2024, <a href='https://arxiv.org/abs/2402.01306'"
    )
    assert linked("Ioffe 2015") == "Ioffe 2015"


@pytest.mark.parametrize(
    "name, words, shown",
    [
        ("DPO", "Direct preference optimization", "Direct preference optimization (DPO)"),
        ("LoRA", "LoRA", "LoRA"),
        ("Full", "Full fine-tuning", "Full fine-tuning"),
        ("PTuning", "P-tuning", "P-tuning"),
        ("IA3", "(IA)³", "(IA)³"),
        ("Freeze", "Partial fine-tuning", "Partial fine-tuning"),
    ],
)
def test_a_title_has_the_short_name_where_that_says_more(name, words, shown):
    assert title(type(name, (), {"title": words})) == shown
