"""Figures count what they say they count."""

from finetune.starter.measure import Figures, measure
from finetune.starter.world import held_out_questions


class Parrot:
    """Stands in for a model and its tokenizer: the answers it will give are known."""

    def __init__(self, replies):
        self.replies = replies


def test_shares(monkeypatch):
    items = held_out_questions(4, kinds=("add", "opposite"))
    replies = [(items[0].answer, True), ("Wrong.", True), (items[2].answer, False), (items[3].answer, True)]
    monkeypatch.setattr("finetune.starter.measure.answers", lambda model, tokenizer, chats: model.replies)
    figures = measure(Parrot(replies), None, items)
    assert isinstance(figures, Figures)
    assert (figures.questions, figures.right, figures.ended) == (4, 0.5, 0.75)
    assert figures.kinds == {"add": 0.5, "opposite": 0.5}
    assert len(figures.misses) == 2
    assert "misses" not in figures.as_dict()
