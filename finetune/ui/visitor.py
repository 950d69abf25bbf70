"""Who sent the event that is being handled."""

from gradio.context import LocalContext

from finetune.door import huggingface
from finetune.door.visitor import Visitor, visitor_of


def current() -> Visitor | None:
    """The visitor whose event this thread handles; None outside of an event, as in the program's own threads."""
    request = LocalContext.request.get(None)
    return None if request is None else visitor_of(request.request.scope)


def token() -> str | None:
    """Their access token to the Hub, if they signed in with Hugging Face; None for the token of the machine."""
    request = LocalContext.request.get(None)
    return None if request is None else huggingface.token_of(request.request.scope)
