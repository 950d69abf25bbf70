"""The temporary files of Gradio's uploads are noted, so that the door deletes those that a request leaves behind.

Gradio moves a file that arrived whole to a name of its own. One that is interrupted, or that no field named,
stays for ever.
"""

from tempfile import NamedTemporaryFile

from gradio import route_utils

from finetune.door.parts import note


def note_parts() -> None:
    """Have Gradio's uploads note what they write (``finetune.door.parts``)."""
    route_utils.NamedTemporaryFile = noted


def noted(**options):
    """A temporary file as Gradio opens it, noted."""
    opened = NamedTemporaryFile(**options)  # noqa: SIM115 - Gradio closes it
    note(opened.name)
    return opened
