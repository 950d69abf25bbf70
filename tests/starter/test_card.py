"""The card is made from the figures."""

from finetune.starter.card import write_card
from finetune.starter.measure import Figures


def test_the_card_holds_the_figures(tmp_path):
    write_card(tmp_path, Figures(200, 0.965, 0.995, {"add": 0.9, "short_story": 1.0}), 4_921_600)
    card = (tmp_path / "README.md").read_text()
    assert "**96.5% right. 99.5% end their turn.**" in card
    assert "| short story | 100% |" in card
    assert card.startswith("---\nlicense: apache-2.0\n")
