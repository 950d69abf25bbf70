"""A panel that answers at once, and the form of the sampling settings."""

import gradio as gr
import pytest

from finetune.inference.integrity import Check, Integrity
from finetune.inference.panel import Answering, Said
from finetune.inference.sampling import Sampling
from finetune.machine.hardware import Choice
from finetune.ui.form import Form

CHECKED = Integrity((Check("adapter off in the base", True, "It is."), Check("same seed 7", True, "They have.")))


class Parrot:
    """A panel whose columns answer in two steps; it remembers what they were asked."""

    def __init__(self):
        self.asked = []
        self.texts = ("The sea is blue.", "Arr, the sea be <blue>.", "Third.", "Fourth.")
        self.is_truncated = False
        self.stops_after = None
        """How many questions are answered before the person stops; None for all."""

    def reply(self, columns, conversations, sampling, stop=None):
        self.asked.append((columns, conversations, sampling))
        if self.stops_after is not None and len(self.asked) > self.stops_after:
            stop.set()
        how = Choice("sequential", "base and tuned are two full models")
        texts = self.texts[: len(columns)]
        half = tuple(Said(text[:4], 1, 0.21, 30.0) for text in texts)
        whole = tuple(Said(text, 5, 0.21, 34.4, self.is_truncated, True) for text in texts)
        yield Answering(half, False, how, CHECKED)
        yield Answering(half if stop and stop.is_set() else whole, True, how, CHECKED)


@pytest.fixture
def parrot(studio, monkeypatch):
    parrot = Parrot()
    monkeypatch.setattr(studio, "panel", parrot)
    return parrot


@pytest.fixture(scope="session")
def form():
    form = Form()
    with gr.Blocks():
        form.draw_rest("", Sampling)
    return form
