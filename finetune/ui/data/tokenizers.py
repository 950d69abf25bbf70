"""The tokenizers that count and mark tokens on the page. Looking at data never downloads a model."""

from finetune.data.tokens import template_of
from finetune.errors import ModelError
from finetune.models.preview import is_described
from finetune.recipe import ModelSettings
from finetune.runs.workspace import Workspace
from finetune.ui.cache import Cache


class Tokenizers:
    """The tokenizers used last, loaded once each."""

    def __init__(self, workspace: Workspace):
        self.workspace = workspace
        self._loaded = Cache(3)

    def load(self, model: ModelSettings):
        """The tokenizer of ``model``; ``ModelError`` if there is none."""
        from finetune.models.tokenizer import load_tokenizer

        return self._loaded.get(model, lambda: load_tokenizer(model, self.workspace))

    def for_counting(self, model: ModelSettings) -> tuple[object, str]:
        """The tokenizer to count and mark tokens with, and a note where it is the starter's in place of the model's."""
        if not is_described(model, self.workspace):
            note = f"{model.id} is not on this machine yet, so these are the starter's tokens; its own differ a little."
            return self.load(ModelSettings()), note
        try:
            return self.load(model), ""
        except ModelError as error:
            return self.load(ModelSettings()), f"{error.message} These are the starter's tokens."

    def template(self, model: ModelSettings) -> str:
        """The chat template that writes conversations for ``model``; empty if the model has none."""
        return template_of(self.for_counting(model)[0])
