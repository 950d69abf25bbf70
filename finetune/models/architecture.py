"""What a model is, by its config alone: a causal language model or something else, and how it is quantized.

A model that also reads pictures is loaded whole and trained on text. Some cannot: ``NEEDS_MORE`` says which and why.
"""

import re
from dataclasses import dataclass

from finetune.compat import supports_sdpa
from finetune.errors import ModelError

OTHER_HEADS = {
    "SequenceClassification": "a classifier or reward model: it gives scores and has no head for words",
    "TokenClassification": "a classifier of tokens: it has no head for words",
    "QuestionAnswering": "made to find answers in a text: it has no head for words",
    "MultipleChoice": "made to choose between answers: it has no head for words",
    "RewardModel": "a reward model: it gives scores and has no head for words",
    "ImageClassification": "a classifier of pictures: it has no head for words",
}
"""What a class of Transformers is whose name has this in it, and which is no language model."""
DEQUANTIZED = {"fp8": "FineGrainedFP8Config", "mxfp4": "Mxfp4Config"}
"""Formats whose weights Transformers computes back to 16 bits while it loads them -> the class that asks for it."""
FORMATS = re.compile(r"[-_.](GPTQ|AWQ|FP8|INT8|INT4|W4A16|W8A8|W8A16|8bit|4bit|bnb|quantized|HQQ|EXL2).*$", re.I)
"""How the id of a quantized model usually ends."""
KEPT = "bitsandbytes_4bit"
"""The format that is trained as it is: a frozen base in 4 bits, with an adapter."""
EXAMPLE = "Choose a model that generates text, such as Qwen/Qwen3-0.6B."
TEXT, PICTURES_TOO = "AutoModelForCausalLM", "AutoModelForImageTextToText"
"""Classes of Transformers: for causal language models, and for those that also read pictures, as a whole."""
A_PICTURE = "reads no text without a picture"
NEEDS_MORE = {
    **dict.fromkeys(("blip", "blip-2", "idefics", "instructblip", "instructblipvideo", "kosmos-2"), A_PICTURE),
    "diffusion_gemma": "does not generate one token after the other, but all of a block at once",
    "evolla": "reads no text without a protein",
    "mllama": "has layers for pictures among those for text (cross-attention), which text alone never reaches",
    "pi0": "moves a robot, and reads no text without a picture and the robot's state",
}
"""Architectures that read pictures and cannot be trained on text alone -> why, as a predicate."""


@dataclass(frozen=True)
class Architecture:
    """A causal language model that can be trained here."""

    type: str
    """Transformers' ``model_type``."""
    quantization: str = ""
    """The format of its weights: a key of ``DEQUANTIZED``, ``KEPT``, or empty for plain ones."""
    has_sdpa: bool = True
    """False if it needs eager attention."""
    auto_class: str = TEXT
    """The class of Transformers by which it is loaded, here and by whoever loads what was trained."""
    reads_pictures: bool = False
    """True if it also reads pictures, or sound: its towers for them are loaded with it and stay as they are."""
    class_name: str = ""
    """The class of Transformers that it is."""


def architecture(config: dict, name: str) -> Architecture:
    """The architecture of the model ``name`` with this ``config.json``; ``ModelError`` if it cannot be trained here."""
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES as PICTURES

    kind = config.get("model_type") or ""
    if kind not in CONFIG_MAPPING:
        raise _unknown(config, kind, name)
    if reason := _no_language_model(config, kind):
        raise ModelError(f"The model {name} is {reason}.", EXAMPLE)
    whole = PICTURES.get(kind)
    if whole and kind in NEEDS_MORE:
        reason = NEEDS_MORE[kind]
        raise ModelError(f"The model {name} ({kind}) {reason}, so it cannot be trained on text here.", EXAMPLE)
    if kind not in CAUSAL and not whole:
        raise ModelError(f"The model {name} ({kind}) is no causal language model: it has no head for words.", EXAMPLE)
    is_whole = bool(whole) and (kind not in CAUSAL or (whole != CAUSAL[kind] and whole in _classes(config)))
    return Architecture(
        kind,
        _quantization(config, name),
        _has_sdpa(own := whole if is_whole else CAUSAL[kind]),
        PICTURES_TOO if is_whole else TEXT,
        reads_pictures=own == whole,
        class_name=own,
    )


def _classes(config: dict) -> list[str]:
    """The classes of Transformers that the weights were saved by."""
    return [each for each in config.get("architectures") or () if isinstance(each, str)]


def _unknown(config: dict, kind: str, name: str) -> ModelError:
    from transformers import __version__

    if "auto_map" in config:
        return ModelError(
            f"The model {name} needs its own code, which is never run here.",
            "Choose a model that Transformers supports.",
        )
    if not kind:
        return ModelError(
            f"The config.json of the model {name} does not say what it is: `model_type` is missing.",
            "Download it again, or choose another model.",
        )
    return ModelError(
        f"Transformers {__version__} does not know the architecture “{kind}” of the model {name}.",
        "It needs a newer version; choose another model.",
    )


def _no_language_model(config: dict, kind: str) -> str:
    """What a model is that generates no text or not in one direction, as a noun phrase; else empty."""
    from transformers import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED
    from transformers.models.auto.modeling_auto import MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES as SEQ2SEQ

    classes = _classes(config)
    for part, words in OTHER_HEADS.items():
        if any(part in each for each in classes):
            return words
    is_decoder = config.get("is_decoder") is True and not config.get("is_encoder_decoder")
    has_two_halves = kind not in CAUSAL and getattr(CONFIG_MAPPING[kind], "is_encoder_decoder", False)
    if config.get("is_encoder_decoder") or has_two_halves or (kind in SEQ2SEQ and not is_decoder):
        return f"an encoder-decoder ({kind}): its questions and answers go into two different halves"
    if any("MaskedLM" in each for each in classes) or (kind in MASKED and not is_decoder):
        return f"an encoder ({kind}): it reads a text in both directions and does not generate any"
    return ""


def _quantization(config: dict, name: str) -> str:
    found = config.get("quantization_config")
    if not isinstance(found, dict):
        return ""
    method = str(found.get("quant_method") or ("bitsandbytes" if "load_in_4bit" in found else "unknown"))
    if method == "bitsandbytes":
        method = KEPT if found.get("load_in_4bit") else "bitsandbytes_8bit"
    if method in DEQUANTIZED or method == KEPT:
        return method
    raise ModelError(
        f"The weights of the model {name} are quantized ({method}), and such weights cannot be trained here.",
        f"Choose the model that it was made from{_unquantized(name)}; QLoRA quantizes it to 4 bits itself.",
    )


def _unquantized(name: str) -> str:
    """The id that ``name`` has without its usual ending for a format, in brackets; empty without such an ending."""
    plain = FORMATS.sub("", name)
    return f" (perhaps {plain})" if plain != name else ""


def _has_sdpa(class_name: str) -> bool:
    import transformers

    return supports_sdpa(getattr(transformers, class_name))
