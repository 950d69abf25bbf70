import pytest

from finetune.errors import ModelError
from finetune.models.architecture import Architecture, architecture


def refused(config, name="owner/mine") -> ModelError:
    with pytest.raises(ModelError) as caught:
        architecture(config, name)
    assert len(str(caught.value)) < 350 and caught.value.hint
    return caught.value


def test_a_causal_language_model_is_known():
    found = architecture({"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"]}, "mine")
    assert found == Architecture("qwen2", class_name="Qwen2ForCausalLM")
    assert (found.quantization, found.has_sdpa, found.auto_class) == ("", True, "AutoModelForCausalLM")
    assert architecture({"model_type": "llama"}, "mine").type == "llama"


@pytest.mark.parametrize("kind", ["gemma2", "gpt_oss", "bloom"])
def test_an_architecture_without_fused_attention_is_known(kind):
    assert not architecture({"model_type": kind}, "mine").has_sdpa


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "an encoder (bert)"),
        ({"model_type": "roberta"}, "an encoder (roberta)"),
        ({"model_type": "modernbert", "architectures": ["ModernBertForMaskedLM"]}, "an encoder (modernbert)"),
        ({"model_type": "t5", "is_encoder_decoder": True}, "an encoder-decoder (t5)"),
        ({"model_type": "bart", "architectures": ["BartForConditionalGeneration"]}, "an encoder-decoder (bart)"),
        ({"model_type": "qwen2", "architectures": ["Qwen2ForSequenceClassification"]}, "classifier or reward model"),
        ({"model_type": "llama", "architectures": ["LlamaForTokenClassification"]}, "a classifier of tokens"),
        ({"model_type": "qwen2", "architectures": ["Qwen2ForRewardModel"]}, "a reward model"),
        ({"model_type": "mllama", "architectures": ["MllamaForConditionalGeneration"]}, "cross-attention"),
        ({"model_type": "blip-2"}, "reads no text without a picture"),
        ({"model_type": "idefics"}, "reads no text without a picture"),
        ({"model_type": "kosmos-2"}, "reads no text without a picture"),
        ({"model_type": "diffusion_gemma"}, "does not generate one token after the other"),
        ({"model_type": "evolla"}, "without a protein"),
        ({"model_type": "pi0"}, "moves a robot"),
        ({"model_type": "florence2"}, "an encoder-decoder (florence2)"),
        ({"model_type": "vision-encoder-decoder"}, "an encoder-decoder"),
        ({"model_type": "shieldgemma2", "architectures": ["ShieldGemma2ForImageClassification"]}, "of pictures"),
        ({"model_type": "clip"}, "no head for words"),
        ({"model_type": "whisper", "is_encoder_decoder": True}, "an encoder-decoder"),
        ({"model_type": "brand_new"}, "does not know the architecture “brand_new”"),
        ({}, "`model_type` is missing"),
        ({"model_type": "brand_new", "auto_map": {"AutoModel": "code.Model"}}, "needs its own code"),
    ],
)
def test_what_is_no_causal_language_model_is_called_what_it_is(config, words):
    assert words in refused(config).message


@pytest.mark.parametrize(
    ("kind", "classes", "found"),
    [
        ("qwen2_vl", [], "AutoModelForImageTextToText"),
        ("mistral3", ["Mistral3ForConditionalGeneration"], "AutoModelForImageTextToText"),
        ("llava", ["LlavaForConditionalGeneration"], "AutoModelForImageTextToText"),
        ("qwen3_5", ["Qwen3_5ForConditionalGeneration"], "AutoModelForImageTextToText"),
        ("llama4", ["Llama4ForConditionalGeneration"], "AutoModelForImageTextToText"),
        ("gemma3", ["Gemma3ForConditionalGeneration"], "AutoModelForCausalLM"),
    ],
)
def test_a_model_that_also_reads_pictures_is_loaded_whole(kind, classes, found):
    whole = architecture({"model_type": kind, "architectures": classes}, "mine")
    assert whole.auto_class == found and whole.reads_pictures


@pytest.mark.parametrize(("kind", "own"), [("qwen3_5", "Qwen3_5ForCausalLM"), ("llama4", "Llama4ForCausalLM")])
def test_the_text_part_of_such_a_model_that_was_saved_alone_is_loaded_alone(kind, own):
    part = architecture({"model_type": kind, "architectures": [own]}, "mine")
    assert (part.auto_class, part.class_name, part.reads_pictures) == ("AutoModelForCausalLM", own, False)


def test_an_encoder_that_was_made_a_decoder_is_one():
    assert architecture({"model_type": "bert", "is_decoder": True, "architectures": ["BertLMHeadModel"]}, "mine")


def test_code_beside_an_architecture_that_transformers_knows_is_no_reason_to_refuse():
    config = {"model_type": "phi3", "auto_map": {"AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"}}
    assert architecture(config, "mine").type == "phi3"


@pytest.mark.parametrize(
    ("quantization", "found"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, "fp8"),
        ({"quant_method": "mxfp4"}, "mxfp4"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes_4bit"),
        ({"load_in_4bit": True, "load_in_8bit": False}, "bitsandbytes_4bit"),
    ],
)
def test_formats_that_can_be_trained_on_are_known(quantization, found):
    assert architecture({"model_type": "qwen2", "quantization_config": quantization}, "mine").quantization == found


@pytest.mark.parametrize("method", ["gptq", "awq", "compressed-tensors", "aqlm", "hqq", "bitsandbytes", "future"])
def test_other_formats_are_refused_with_what_to_choose(method):
    config = {"model_type": "qwen2", "quantization_config": {"quant_method": method, "bits": 4}}
    error = refused(config, "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4")
    assert method in error.message and "(perhaps Qwen/Qwen2.5-7B-Instruct)" in error.hint
    assert "perhaps" not in refused(config, "owner/plain").hint
