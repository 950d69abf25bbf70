import gradio as gr

from finetune.ui.compare import layout
from finetune.ui.compare.ask import shown
from finetune.ui.compare.held_out import shown as shown_in_table


def test_there_is_a_value_for_each_component_that_asking_changes(studio):
    with gr.Blocks():
        parts = layout.draw(studio)
    assert len(parts.asked()) == len(shown())
    assert len(parts.held_out.changed()) == len(shown_in_table())
    assert len(parts.given()) == 4 + len(parts.sampling.components())
