"""A model folder in its base's dialect: the files beside the weights, as the base has them.

Transformers writes them in today's form: ``rope_theta`` only inside ``rope_parameters``, special tokens as a list,
``use_cache`` off after training. Programs that read the base (vLLM, llama.cpp, an older Transformers) then read another
model or none. Training changes weights, so all else is the base's own, unless training changed that too.
"""

import json
import math
import shutil
from collections import Counter
from pathlib import Path

from finetune.models.tokenizer import read_tokenizer
from finetune.models.turn_end import turn_end

TOKENIZER = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "*.tiktoken",
)
"""Files of a tokenizer, as glob patterns."""
TEMPLATES = ("*.jinja", "chat_template.json", "additional_chat_templates")
"""Where chat templates are, beside ``tokenizer_config.json``."""
BESIDE = ("*.json", "*.txt", "LICEN[CS]E*", "NOTICE*", "USE_POLICY*")
"""What else goes along with a whole model: processors, word lists, licenses."""
LEFT = ("config.json", "generation_config.json", "*.index.json", "adapter_*", "trainer_state.json")
"""What does not: files that are written anew, and traces of another training."""
TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")
"""What a generation config takes from the model's config where there is none."""


def keep_dialect(folder: Path, base: Path, tokenizer, is_whole: bool) -> None:
    """Give the saved model in ``folder`` the files that its ``base`` has beside the weights.

    ``tokenizer`` is the one that was trained with, and was saved there as Transformers does; where its chat template or
    end token is not the base's, they alone are changed. A whole model also gets config, generation config, and what
    lies beside them.
    """
    _keep_tokenizer(folder, base, tokenizer)
    if is_whole:
        _keep_config(folder, base)
        _keep_generation_config(folder, base, tokenizer)
        for file in _found(base, BESIDE):
            if not (folder / file.name).exists() and not any(file.match(pattern) for pattern in LEFT):
                shutil.copyfile(file, folder / file.name)


def stored_dtype(folder: Path):
    """The ``torch.dtype`` of the model in ``folder``: what its config says, else what most of its weights have.

    fp32 where that is no dtype to train in, as with quantized weights.
    """
    import torch

    config = _read(folder / "config.json")
    places = (config, config.get("text_config") or {})
    said = next((str(place[key]) for place in places for key in ("dtype", "torch_dtype") if place.get(key)), "")
    dtype = getattr(torch, said.removeprefix("torch."), None) or _dtype_of_weights(folder)
    return dtype if dtype in (torch.bfloat16, torch.float16) else torch.float32


def _dtype_of_weights(folder: Path):
    import torch
    from safetensors import safe_open

    numbers = Counter()
    for path in folder.glob("*.safetensors"):
        with safe_open(path, "pt") as file:
            for weight in map(file.get_slice, file.keys()):
                numbers[weight.get_dtype()] += math.prod(weight.get_shape())
    most = max(numbers, key=numbers.get, default="")
    return {"BF16": torch.bfloat16, "F16": torch.float16}.get(most, torch.float32)


def _keep_tokenizer(folder: Path, base: Path, tokenizer) -> None:
    """The tokenizer's files as the base has them, with ``tokenizer``'s template and end token if those were changed."""
    own = read_tokenizer(base, base.name)
    for path in _found(folder, (*TOKENIZER, *TEMPLATES)):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in _found(base, (*TOKENIZER, *TEMPLATES)):
        copy = shutil.copytree if path.is_dir() else shutil.copyfile
        copy(path, folder / path.name)
    path = folder / "tokenizer_config.json"
    changed = _older_tokens(_read(path)) if path.exists() else {}
    if tokenizer.eos_token != own.eos_token:
        changed["eos_token"] = tokenizer.eos_token
    if tokenizer.chat_template != own.chat_template:
        (folder / "chat_template.json").unlink(missing_ok=True)
        shutil.rmtree(folder / "additional_chat_templates", ignore_errors=True)
        if (folder / "chat_template.jinja").exists():
            (folder / "chat_template.jinja").write_text(tokenizer.chat_template, encoding="utf-8")
        else:
            changed["chat_template"] = tokenizer.chat_template
    if changed:
        config = (_read(path) if path.exists() else {}) | changed
        _write(path, {name: value for name, value in config.items() if value is not None or name not in changed})
    path = folder / "special_tokens_map.json"
    if "eos_token" in changed and path.exists():
        _write(path, _read(path) | {"eos_token": tokenizer.eos_token})


def _older_tokens(config: dict) -> dict:
    """What changes in a tokenizer's config whose special tokens are a list of Transformers 5: the name of the list.

    Transformers 4 reads that name as a mapping and opens nothing; both read the older one.
    """
    tokens = config.get("extra_special_tokens")
    return {"additional_special_tokens": tokens, "extra_special_tokens": None} if isinstance(tokens, list) else {}


def add_older_positions(folder: Path) -> None:
    """Write the positions of the model in ``folder`` in the keys of Transformers 4 as well.

    Not where Transformers 5 would then read others: such architectures, as Gemma 4, are unknown to 4.
    """
    path, before = folder / "config.json", _positions_in(folder)
    text, config = path.read_text(encoding="utf-8"), _read(path)
    older = config | _older_positions(config)
    if isinstance(config.get("text_config"), dict):
        older["text_config"] = config["text_config"] | _older_positions(config["text_config"])
    if older == config:
        return
    _write(path, older)
    if _positions_in(folder) != before:
        path.write_text(text, encoding="utf-8")


def _positions_in(folder: Path) -> dict | None:
    """The positions that Transformers 5 reads in the config there; None if it reads none."""
    from transformers import AutoConfig

    try:
        return getattr(
            AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False).get_text_config(),
            "rope_parameters",
            None,
        )
    except Exception:  # a config's class may raise anything over keys that it does not expect
        return None


def _older_positions(config: dict) -> dict:
    """What a config with ``rope_parameters`` of Transformers 5 needs beside them, for readers of the older keys.

    Without them Transformers 4 takes its default base for the positions, and says nothing.
    """
    rope = config.get("rope_parameters")
    if not isinstance(rope, dict):
        return {}
    # By the kind of layer, or one for all layers.
    whole = rope.get("full_attention", rope) or {}
    local = rope.get("sliding_attention") or {}
    scaling = {name: value for name, value in whole.items() if name not in ("rope_theta", "partial_rotary_factor")}
    older = {
        "rope_theta": whole.get("rope_theta"),
        "partial_rotary_factor": whole.get("partial_rotary_factor"),
        "rope_scaling": scaling if whole.get("rope_type", "default") != "default" else None,
        "rope_local_base_freq": local.get("rope_theta"),
    }
    return {name: value for name, value in older.items() if value is not None and name not in config}


def _keep_config(folder: Path, base: Path) -> None:
    """The base's config; as Transformers wrote it only where another class of model was saved than the base says.

    A text model that was taken out of a larger one is such. What refers to code that is not here is left out, and a
    stored format that the saved weights no longer have. Positions are written in the older form, too.
    """
    saved, own = _read(folder / "config.json"), _read(base / "config.json")
    if own.get("architectures") in (None, saved["architectures"]):
        shutil.copyfile(base / "config.json", folder / "config.json")
        named = {} if own.get("architectures") else {"architectures": saved["architectures"]}
        left = {"auto_map"} if "quantization_config" in saved else {"auto_map", "quantization_config"}
        rest = {name: value for name, value in own.items() if name not in left} | named
        if rest != own:
            _write(folder / "config.json", rest)
    add_older_positions(folder)


def _keep_generation_config(folder: Path, base: Path, tokenizer) -> None:
    """The base's generation config, with every token at which training ended answers among its end tokens."""
    path, own = folder / "generation_config.json", base / "generation_config.json"
    path.unlink(missing_ok=True)
    if own.exists():
        shutil.copyfile(own, path)
    tokens = {name: value for name, value in _read(base / "config.json").items() if name in TOKEN_IDS}
    config = _read(own) if own.exists() else tokens
    ends = config.get("eos_token_id", tokens.get("eos_token_id"))
    ends = [] if ends is None else ends if isinstance(ends, list) else [ends]
    missing = {tokenizer.eos_token_id, *turn_end(tokenizer)} - {None, *ends}
    if missing:
        # With the mark Transformers would take the end tokens of config.json instead.
        kept = {name: value for name, value in config.items() if name != "_from_model_config"}
        _write(path, kept | {"eos_token_id": [*ends, *sorted(missing)]})


def _found(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})


def _read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def _write(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
