"""An answer in progress, as the page's other buttons see it."""

import threading

import gradio as gr


class Running:
    """Answers that are being generated: they can be asked to stop, and end a moment later."""

    def __init__(self):
        self.stop = threading.Event()
        """Set to end the answers at the next token."""
        self.is_over = False

    def end(self) -> None:
        """They are over; what still computes stops."""
        self.stop.set()
        self.is_over = True


def is_at_work(running: Running | None) -> bool:
    """True while answers are being generated."""
    return running is not None and not running.is_over


def buttons(is_busy: bool) -> tuple[gr.Button, gr.Button]:
    """The button that asks and the one that stops; one of them is visible at a time."""
    return gr.Button(visible=not is_busy), gr.Button("Stop", visible=is_busy, interactive=True)


def stop(running: Running | None) -> tuple[gr.Button, gr.Button]:
    """Both buttons after a click on Stop: the answers end at the next token."""
    if not is_at_work(running):
        return buttons(False)
    running.stop.set()
    return gr.Button(visible=False), gr.Button("Stopping…", visible=True, interactive=False)
