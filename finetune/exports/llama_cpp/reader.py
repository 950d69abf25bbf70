"""A GGUF file, opened by llama.cpp where llama-cpp-python is installed, else by Transformers.

The chat template is the file's own, and llama.cpp itself makes the tokens.
"""

import weakref
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from finetune.errors import RunError, first_sentence
from finetune.exports.llama_cpp import tools
from finetune.exports.parity import Reader
from finetune.exports.plain import of_folder
from finetune.machine.libraries import load
from finetune.runs.run import Run

LONGEST = 4096
"""Tokens of a question with its answer."""
INSTALL = "Install llama-cpp-python to have its answers compared with the run's."
OF_TRANSFORMERS = ("llama", "mistral", "qwen2", "qwen3", "phi3", "gemma2", "gemma3")
"""The families whose GGUF files Transformers 5 opens."""


def reader(run: Run, file: Path) -> Reader:
    """``file``, opened; ``RunError`` if nothing that is installed opens it."""
    if tools.has_library():
        return LlamaCpp(file)
    kind = architecture(file)
    if kind not in OF_TRANSFORMERS:
        raise RunError(
            f"The GGUF file is written, and nothing that is installed here opens one of the architecture {kind}.",
            INSTALL,
        )
    try:
        found = of_folder(run, file.parent, gguf_file=file.name)
    except Exception as error:  # it raises anything over keys and sizes that it does not read
        raise RunError(
            f"The GGUF file is written, and Transformers does not open it: {first_sentence(error)}.", INSTALL
        ) from error
    found.model.generation_config.eos_token_id = ends(file)
    return found


def architecture(file: Path) -> str:
    """llama.cpp's name for the architecture of the model in ``file``."""
    return str(_field(file, "general.architecture"))


def ends(file: Path) -> list[int]:
    """The tokens at which an answer of the model in ``file`` ends."""
    found = (_field(file, f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot"))
    return sorted({int(token) for token in found if token is not None})


def _field(file: Path, name: str):
    from gguf import GGUFReader

    field = GGUFReader(file).get_field(name)
    return None if field is None else field.contents()


class LlamaCpp:
    """A GGUF file in llama.cpp, on the processor: asked greedily through its own functions."""

    def __init__(self, file: Path, longest: int = LONGEST):
        """``longest``: tokens of a question with its answer. ``RunError`` if llama.cpp does not open it."""
        import llama_cpp as api

        load()
        self.api, self.opened_with = api, f"llama.cpp, by llama-cpp-python {version('llama_cpp_python')}"
        self._quiet = api.llama_log_callback(lambda level, text, data: None)
        api.llama_log_set(self._quiet, None)
        api.llama_backend_init()
        how = api.llama_model_default_params()
        how.n_gpu_layers = 0
        model = api.llama_model_load_from_file(str(file).encode(), how)
        if not model:
            raise RunError("llama.cpp does not open the GGUF file.", "Export the merged model instead.")
        how = api.llama_context_default_params()
        how.n_ctx = how.n_batch = how.n_ubatch = min(longest, api.llama_model_n_ctx_train(model))
        self._context = api.llama_init_from_model(model, how)
        self._model, self._vocabulary = model, api.llama_model_get_vocab(model)
        weakref.finalize(self, _close, api, model, self._context)

    def prompt(self, messages: list[dict]) -> list[int]:
        """The tokens before the answer to ``messages``, by the file's template or, without one, as a text."""
        from transformers.utils.chat_template_utils import render_jinja_template

        template = self.api.llama_model_chat_template(self._model, None)
        if not template:
            return self.tokens("".join(message["content"] for message in messages), begins=True)
        given = {name: self._special(name) for name in ("bos", "eos")}
        texts, _ = render_jinja_template(
            conversations=[messages],
            chat_template=template.decode(),
            add_generation_prompt=True,
            bos_token=given["bos"],
            eos_token=given["eos"],
        )
        # As llama.cpp's server does: it adds the token for the beginning itself.
        adds = self.api.llama_vocab_get_add_bos(self._vocabulary)
        return self.tokens(texts[0].removeprefix(given["bos"]) if adds else texts[0], begins=True)

    def tokens(self, text: str, begins: bool = False) -> list[int]:
        """``text`` as tokens, special ones too; with the token for the beginning if it ``begins`` and there is one."""
        given = text.encode()
        room = len(given) + 8
        found = (self.api.llama_token * room)()
        count = self.api.llama_tokenize(self._vocabulary, given, len(given), found, room, begins, True)
        return list(found[:count])

    def answer(self, prompt: list[int], most: int) -> list[int]:
        """The greedy answer, with the token that ended it if the file knows it as one that does."""
        self.api.llama_memory_clear(self.api.llama_get_memory(self._context), True)
        answer, given = [], prompt
        while len(answer) < most:
            answer.append(int(self.logits(given).argmax()))
            if self.api.llama_vocab_is_eog(self._vocabulary, answer[-1]):
                break
            given = answer[-1:]
        return answer

    def logits(self, ids: Sequence[int]):
        """What follows ``ids``, which follow what was given before: a numpy array, one number for each token."""
        import numpy as np

        api = self.api
        given = (api.llama_token * len(ids))(*ids)
        if api.llama_decode(self._context, api.llama_batch_get_one(given, len(ids))):
            raise RunError("llama.cpp could not compute an answer.", "Export the merged model instead.")
        size = api.llama_vocab_n_tokens(self._vocabulary)
        return np.ctypeslib.as_array(api.llama_get_logits_ith(self._context, -1), (size,)).copy()

    def text(self, ids: Sequence[int]) -> str:
        """``ids`` as text, special tokens too."""
        import ctypes

        room = 64 * (len(ids) + 1)
        buffer = ctypes.create_string_buffer(room)
        given = (self.api.llama_token * len(ids))(*ids)
        size = self.api.llama_detokenize(self._vocabulary, given, len(ids), buffer, room, False, True)
        return buffer.raw[: max(size, 0)].decode(errors="replace")

    def _special(self, name: str) -> str:
        token = getattr(self.api, f"llama_vocab_{name}")(self._vocabulary)
        return self.api.llama_vocab_get_text(self._vocabulary, token).decode() if token >= 0 else ""


def _close(api, model, context) -> None:
    if context:
        api.llama_free(context)
    api.llama_model_free(model)
