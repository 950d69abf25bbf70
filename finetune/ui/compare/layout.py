"""What the Ask view consists of: its components, in the order they are read."""

from dataclasses import dataclass

import gradio as gr

from finetune.inference.sampling import Sampling
from finetune.ui import views
from finetune.ui.compare import columns, held_out, keeping
from finetune.ui.compare.held_out import HeldOut
from finetune.ui.compare.keeping import Keeping
from finetune.ui.compare.pane import PANE, nothing_yet
from finetune.ui.compare.talk import Talk
from finetune.ui.form import Form
from finetune.ui.studio import Studio

NO_RATER = ("No reward model", "")
"""The choice of none: its label and its value."""
LONGEST_QUESTION = 8000
"""Characters."""
LONGEST_SYSTEM = 4000
"""Characters, as many as a recipe's system prompt has at most."""


@dataclass
class Parts:
    """The components that the wires need."""

    talk: gr.State
    running: gr.State
    """What is being answered, so that it can be stopped."""
    pane: gr.HTML
    line: gr.HTML
    keeping: Keeping
    question: gr.Textbox
    ask: gr.Button
    stop: gr.Button
    clear: gr.Button
    mark: gr.Checkbox
    also: gr.Dropdown
    """Further columns; visible once there are some."""
    rater: gr.Dropdown
    """The reward model that rates the answers; visible once there is one."""
    suggestions: gr.HTML
    system: gr.Textbox
    sampling: Form
    held_out: HeldOut

    def asked(self) -> list:
        """The components that asking changes."""
        return [self.talk, self.pane, self.line, self.question, *self.idle()]

    def idle(self) -> list:
        """The components that show whether something is being answered or corrected."""
        return [self.running, self.ask, self.stop, *self.keeping.opened()]

    def given(self) -> list:
        """The inputs that say how a question is asked."""
        return [self.mark, self.rater, self.also, self.system, *self.sampling.components()]


def draw(studio: Studio) -> Parts:
    """The view's components."""
    pane = gr.HTML(nothing_yet(), js_on_load=PANE, elem_id="pane", elem_classes="pane")
    kept = keeping.draw()
    line = gr.HTML(elem_id="compare-line")
    question, ask, stop = _question()
    suggestions = gr.HTML(js_on_load=views.PICK, elem_id="suggestions")
    with gr.Row(elem_classes="actions"):
        mark = gr.Checkbox(True, label="Mark the words that differ", container=False, elem_id="mark")
        clear = gr.Button("Clear", size="sm", elem_id="clear", scale=0, min_width=100)
    also, rater, sampling = columns.draw(), _rater(), Form()
    return Parts(
        talk=gr.State(Talk()),
        running=gr.State(None),
        pane=pane,
        line=line,
        keeping=kept,
        question=question,
        ask=ask,
        stop=stop,
        clear=clear,
        mark=mark,
        also=also,
        rater=rater,
        suggestions=suggestions,
        system=_settings(sampling),
        sampling=sampling,
        held_out=held_out.draw(),
    )


def _question() -> tuple[gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_classes="ask-row"):
        question = gr.Textbox(
            placeholder="Ask both models…",
            show_label=False,
            label="Your question",
            lines=1,
            max_lines=6,
            scale=5,
            elem_id="question",
            max_length=LONGEST_QUESTION,
        )
        ask = gr.Button("Ask both", variant="primary", elem_id="ask", scale=0, min_width=130)
        stop = gr.Button("Stop", visible=False, elem_id="compare-stop", scale=0, min_width=130)
    return question, ask, stop


def _rater() -> gr.Dropdown:
    return gr.Dropdown(
        [NO_RATER],
        value=NO_RATER[1],
        label="Reward model",
        info="Scores the answers; higher is better.",
        filterable=False,
        visible=False,
        elem_id="rater",
    )


def _settings(sampling: Form) -> gr.Textbox:
    """Draws the settings of ``sampling``; the system prompt before them."""
    with gr.Accordion("Sampling settings", open=False, elem_id="sampling"):
        system = gr.Textbox(
            label="System prompt",
            info="Comes before the conversation, for base and tuned alike. At first the recipe's; empty for none.",
            lines=2,
            max_lines=6,
            elem_id="system",
            max_length=LONGEST_SYSTEM,
        )
        with gr.Row(elem_classes="fields"):
            sampling.draw_rest("", Sampling)
    return system
