"""The tuned model as one GGUF file with a Modelfile, for llama.cpp, Ollama and LM Studio."""

import re
import shutil
from pathlib import Path
from shlex import quote
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from finetune.errors import RunError
from finetune.exports.card import card
from finetune.exports.front_matter import Form
from finetune.exports.llama_cpp import families, tools, writing
from finetune.exports.llama_cpp.modelfile import modelfile, require_quotable
from finetune.exports.llama_cpp.reader import reader
from finetune.exports.llama_cpp.turns import turns
from finetune.exports.llama_cpp.vocabulary import require_known, swallows, unknown
from finetune.exports.merged import Merged
from finetune.exports.parity import Reader
from finetune.exports.staging import require_free, staged
from finetune.exports.target import OF_ROUNDING, Exported, Step, Target, Work
from finetune.inference.question import messages
from finetune.models.files import read_config
from finetune.models.loading import require_model
from finetune.models.locate import load_config, locate
from finetune.models.tokenizer import load_tokenizer, read_tokenizer
from finetune.models.turn_end import turn_end
from finetune.models.usage import saved_json
from finetune.runs.job import Stopped
from finetune.runs.run import Run
from finetune.runs.workspace import Workspace
from finetune.settings import Settings

LEEWAY = {"q8_0": 2.0, "q4_k_m": 8.0}
"""Of the parity check, for weights of fewer than 16 bits.

Measured on the starter: with ``q8_0`` every token was the run's; with ``q4_k_m`` six of some 200 were not, at up to 1.9
times the share. A weight in the wrong place gives hundreds.
"""
MERGED_SHARE = 0.4
"""Share of the work that merging is."""


class GgufSettings(Settings):
    """What can be chosen for a GGUF file."""

    quantization: Literal["q8_0", "f16", "bf16", "q4_k_m"] = "q8_0"
    """How weights are stored. ``q8_0`` (8.5 bits per weight) is half the size of ``f16`` and answers nearly the same;
    ``bf16`` keeps the numbers of most models exactly; ``q4_k_m`` (about 4.8 bits) is the smallest, its answers differ
    more, and it needs llama.cpp's ``llama-quantize`` or llama-cpp-python."""
    system: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    """The system prompt that Ollama sends. By default the run's own; empty for none."""


class Gguf(Target):
    """One file with weights, tokenizer and chat template, and the Modelfile that Ollama reads."""

    name: ClassVar[str] = "gguf"
    order: ClassVar[int] = 30
    words: ClassVar[str] = "a GGUF file with a Modelfile for Ollama"
    title: ClassVar[str] = "GGUF for Ollama and llama.cpp"
    purpose: ClassVar[str] = "One file that runs on a laptop, without Python: for Ollama, LM Studio and llama.cpp."
    options: ClassVar[type[Settings]] = GgufSettings
    merges: ClassVar[bool] = True

    def require(self, run: Run) -> None:
        """``RunError`` without a model that answers, or with an adapter or an architecture that cannot be written."""
        Merged().require(run)
        if run.as_trained.method.makes_scorer:
            raise RunError(
                f"Run {run.id} trained a reward model, which scores answers and gives none.",
                "Export it as a merged model.",
            )
        if (config := saved_json(run, "config.json")) and run.as_trained.adapter.trains_base():
            _require_family(families.text_type(config))

    def write(
        self, run: Run, workspace: Workspace, to: Path, options: Settings | None = None, work: Work = Work()
    ) -> Exported:
        """A new folder ``RUN-gguf`` with the file, a Modelfile, the model card and the recipe.

        ``RunError`` if the run cannot be written so, before anything is; ``Stopped`` if the work is to end.
        """
        options = options or GgufSettings()
        self.require(run)
        system = _system(run) if options.system is None else options.system
        require_quotable(system)
        if options.quantization == "q4_k_m":
            tools.require_quantizer()
        folder = Path(to) / f"{run.id}-gguf"
        require_free(folder)
        _require_writable(run, workspace)
        with staged(folder) as staging:
            staging.mkdir()
            source, words = _whole(run, workspace, staging, work)
            file = f"{run.id}-{options.quantization.upper()}.gguf"
            tokenizer = read_tokenizer(source, run.id)
            words += " " + _write(source, tokenizer, staging / file, options.quantization, run.recipe.name, work)
            shutil.rmtree(staging / "merged", ignore_errors=True)
            said = modelfile(file, turns(tokenizer), system, _ends(tokenizer), bool(tokenizer.chat_template))
            if "TEMPLATE" not in said:
                words += " The chat template cannot be told to Ollama: it is in the file alone, for llama.cpp."
            (staging / "Modelfile").write_text(said, encoding="utf-8")
            form = Form("gguf", ("gguf",), "quantized", "sh", _commands(ollama_name(run), file))
            (staging / "README.md").write_text(card(run, words, form=form), encoding="utf-8")
            (staging / "recipe.yaml").write_text(run.recipe.to_yaml(), encoding="utf-8")
        return Exported(folder, words)

    def reader(self, run: Run, workspace: Workspace, path: Path) -> Reader:
        """The file in llama.cpp, if llama-cpp-python is installed, else in Transformers."""
        return reader(run, gguf_in(path))

    def leeway(self, run: Run, options: Settings) -> float:
        """More for fewer bits."""
        return LEEWAY.get(options.quantization, OF_ROUNDING)

    def steps(self, run: Run, exported: Exported) -> list[Step]:
        """Ollama, and llama.cpp's server."""
        name, folder, file = ollama_name(run), quote(str(exported.path)), quote(str(gguf_in(exported.path)))
        return [
            Step("Run it with Ollama", f"cd {folder} && ollama create {name} -f Modelfile\nollama run {name}"),
            Step("Serve it with llama.cpp", f"llama-server -m {file}"),
        ]


def gguf_in(folder: Path) -> Path:
    """The GGUF file of an exported ``folder``."""
    return next(Path(folder).glob("*.gguf"))


def ollama_name(run: Run) -> str:
    """What Ollama calls the model: small letters, digits, dots, dashes."""
    return re.sub(r"[^a-z0-9._-]+", "-", run.id.lower()).strip("-._") or "tuned"


def _commands(name: str, file: str) -> str:
    return f"ollama create {name} -f Modelfile && ollama run {name}\nllama-server -m {file}"


def _system(run: Run) -> str:
    """The system prompt that every question of the run is asked with."""
    first = messages(run.recipe, "question")[0]
    return first["content"] if first["role"] == "system" else ""


def _require_family(kind: str) -> None:
    if kind not in families.FAMILIES and not tools.converter():
        known = ", ".join(family.title for family in families.FAMILIES.values())
        raise unknown(f"its architecture is {kind}, and known are {known}")


def _require_writable(run: Run, workspace: Workspace) -> None:
    """``RunError`` if the model or its tokenizer has something that llama.cpp computes otherwise."""
    recipe = run.as_trained
    if recipe.adapter.trains_base():
        from transformers import AutoConfig

        tokenizer = read_tokenizer(run.model_dir, run.id)
        config = AutoConfig.from_pretrained(run.model_dir, local_files_only=True, trust_remote_code=False)
        kind = families.text_type(read_config(run.model_dir, run.id))
    else:
        folder = locate(recipe.model, workspace)
        tokenizer, config = load_tokenizer(recipe.model, workspace), load_config(recipe.model, workspace)
        kind = families.text_type(read_config(folder, recipe.model.id))
    _require_family(kind)
    if kind in families.FAMILIES:
        if found := families.problem(config.get_text_config()):
            raise unknown(f"it has {found}, which llama.cpp computes otherwise")
        require_known(tokenizer)
        swallows(tokenizer)


def _whole(run: Run, workspace: Workspace, staging: Path, work: Work) -> tuple[Path, str]:
    """The folder of the whole tuned model, and how it was made, in sentences."""
    if run.as_trained.adapter.trains_base():
        return require_model(run).model_dir, "All weights were trained."
    work.report("merging", 0.0)
    found = Merged().write(run, workspace, staging / "merged")
    return found.path, found.note


def _write(source: Path, tokenizer, file: Path, quantization: str, name: str, work: Work) -> str:
    """Write the model in ``source`` to ``file``; how it is stored, as a sentence."""

    def report(share: float) -> None:
        if work.stopped():
            raise Stopped
        work.report("writing the GGUF file", MERGED_SHARE + share * (1 - MERGED_SHARE))

    is_last = quantization == "q4_k_m"
    plain = file.with_name("bf16.gguf") if is_last else file
    stored = "bf16" if is_last else quantization
    by = ""
    report(0.0)
    if families.text_type(read_config(source, source.name)) in families.FAMILIES:
        writing.write(source, tokenizer, plain, stored, name, report)
    else:
        tools.convert(source, plain, stored)
        by = " by llama.cpp's converter"
    if is_last:
        tools.quantize(plain, file, quantization)
        plain.unlink()
    return f"It was written as GGUF in {quantization}{by}."


def _ends(tokenizer) -> list[str]:
    """The tokens that end an answer in a conversation, as text."""
    ids = turn_end(tokenizer) if tokenizer.chat_template else ()
    return [tokenizer.convert_ids_to_tokens(token) for token in ids]
