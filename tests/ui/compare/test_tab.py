import gradio as gr

from finetune.ui.compare import tab


def test_each_view_is_a_choice_of_the_tab_and_keeps_its_parts(studio):
    with gr.Blocks() as page:
        parts = tab.draw(studio)
        tab.wire(studio, parts)
    labels = {block.label for block in page.blocks.values() if isinstance(block, gr.Tab)}
    assert labels == {proof.label for proof in tab.PROOFS}
    assert set(parts.of) == {proof.name for proof in tab.PROOFS}
