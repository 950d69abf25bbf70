import gc
import time

import pytest

from finetune.data.formats.written import asked_of, bare, transcript, turns_of

SYSTEM = {"role": "system", "content": "Be brief."}
ONE = [{"role": "user", "content": "What is 2+2?"}, {"role": "assistant", "content": "It is 4."}]
TWO = [*ONE, {"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "Yes.\n\nVery."}]
WRITTEN = {
    "Llama 2": "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nWhat is 2+2? [/INST] It is 4. </s>"
    "<s>[INST] Sure? [/INST] Yes.\n\nVery. </s>",
    "Mistral": "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]What is 2+2?[/INST]It is 4.</s>"
    "[INST]Sure?[/INST]Yes.\n\nVery.</s>",
    "ChatML": "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is 2+2?<|im_end|>\n"
    "<|im_start|>assistant\nIt is 4.<|im_end|>\n<|im_start|>user\nSure?<|im_end|>\n"
    "<|im_start|>assistant\nYes.\n\nVery.<|im_end|>\n",
    "Phi-4": "<|im_start|>system<|im_sep|>Be brief.<|im_end|><|im_start|>user<|im_sep|>What is 2+2?<|im_end|>"
    "<|im_start|>assistant<|im_sep|>It is 4.<|im_end|><|im_start|>user<|im_sep|>Sure?<|im_end|>"
    "<|im_start|>assistant<|im_sep|>Yes.\n\nVery.<|im_end|>",
    "Llama 3": "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nBe brief.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nWhat is 2+2?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nIt is 4.<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\nSure?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\nYes.\n\nVery.<|eot_id|><|end_of_text|>",
    "Zephyr": "<|system|>\nBe brief.</s>\n<|user|>\nWhat is 2+2?</s>\n<|assistant|>\nIt is 4.</s>\n"
    "<|user|>\nSure?</s>\n<|assistant|>\nYes.\n\nVery.</s>\n",
    "Phi-3": "<|system|>\nBe brief.<|end|>\n<|user|>\nWhat is 2+2?<|end|>\n<|assistant|>\nIt is 4.<|end|>\n"
    "<|user|>\nSure?<|end|>\n<|assistant|>\nYes.\n\nVery.<|end|>\n<|endoftext|>",
    "GLM-4": "[gMASK]<sop><|system|>\nBe brief.<|user|>\nWhat is 2+2?<|assistant|>\nIt is 4.<|user|>\nSure?"
    "<|assistant|>\nYes.\n\nVery.<|endoftext|>",
    "DeepSeek": "<｜begin▁of▁sentence｜>Be brief.<｜User｜>What is 2+2?<｜Assistant｜>It is 4.<｜end▁of▁sentence｜>"
    "<｜User｜>Sure?<｜Assistant｜>Yes.\n\nVery.<｜end▁of▁sentence｜>",
    "Command R": "<BOS_TOKEN><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>Be brief.<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>What is 2+2?<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>It is 4.<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Sure?<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>Yes.\n\nVery.<|END_OF_TURN_TOKEN|>",
    "Vicuna": "Be brief. USER: What is 2+2? ASSISTANT: It is 4.</s>USER: Sure? ASSISTANT: Yes.\n\nVery.</s>",
    "glaive": "SYSTEM: Be brief.\n\n\nUSER: What is 2+2?\n\n\nASSISTANT: It is 4. <|endoftext|>\n\n\n"
    "USER: Sure?\n\n\nASSISTANT: Yes.\n\nVery. <|endoftext|>",
    "hashes": "### System: Be brief.\n### Human: What is 2+2?\n### Assistant: It is 4.\n### Human: Sure?\n"
    "### Assistant: Yes.\n\nVery.",
    "lines": "System: Be brief.\nHuman: What is 2+2?\nAI: It is 4.\nHuman: Sure?\nAI: Yes.\n\nVery.",
    "hh-rlhf": "\n\nSystem: Be brief.\n\nHuman: What is 2+2?\n\nAssistant: It is 4.\n\nHuman: Sure?\n\n"
    "Assistant: Yes.\n\nVery.",
    "bold": "**System:** Be brief.\n**User:** What is 2+2?\n**Assistant:** It is 4.\n**User:** Sure?\n"
    "**Assistant:** Yes.\n\nVery.",
}


@pytest.mark.parametrize("dialect", WRITTEN)
def test_a_conversation_is_read_in_each_dialect(dialect):
    assert turns_of(WRITTEN[dialect]) == [SYSTEM, *TWO]


@pytest.mark.parametrize(
    "text, turns",
    [
        ("<start_of_turn>user\nWhat is 2+2?<end_of_turn>\n<start_of_turn>model\nIt is 4.<end_of_turn>\n", ONE),
        ("<bos><|turn>user\nWhat is 2+2?<turn|>\n<|turn>model\nIt is 4.<turn|>", ONE),
        ("GPT4 Correct User: What is 2+2?<|end_of_turn|>GPT4 Correct Assistant: It is 4.<|end_of_turn|>", ONE),
        ("<|prompter|>What is 2+2?<|endoftext|><|assistant|>It is 4.<|endoftext|>", ONE),
        ("<|Human|>: What is 2+2?<eoh>\n<|MOSS|>: It is 4.<eom>\n", ONE),
        ("### Human: What is 2+2?### Assistant: It is 4.", ONE),
        ("### Instruction:\nWhat is 2+2?\n\n### Response:\nIt is 4.</s>", ONE),
        ("### Question: What is 2+2?\n### Answer: It is 4.", ONE),
        ("Human: What is 2+2?\r\nAssistant: It is 4.\r\n", ONE),
        ("User: What is 2+2?\nBot: It is 4.", ONE),
        ("<|user|>\nWhat is 2+2?<|end|>\n<|assistant|>\nIt is 4.<|end|>\n<|user|>\nSure?<|end|>\n<|assistant|>\n",
         [*ONE, TWO[2]]),
    ],
)  # fmt: skip
def test_other_spellings(text, turns):
    assert turns_of(text) == turns


def test_alpacas_template_says_nothing_about_the_row_and_its_input_belongs_to_the_question():
    before = "Below is an instruction that describes a task, paired with an input that provides further context."
    text = f"{before}\n\n### Instruction:\nAdd.\n\n### Input:\n2 and 2\n\n### Response:\n4"
    assert turns_of(text) == [{"role": "user", "content": "Add.\n\n2 and 2"}, {"role": "assistant", "content": "4"}]
    assert turns_of(text.replace(before, "Be brief."))[0] == SYSTEM


def test_a_tool_result_is_a_turn_of_its_own():
    text = 'USER: Rain?\n\n\nASSISTANT: <functioncall> {"name": "sky"} <|endoftext|>\n\n\nFUNCTION RESPONSE: {"sky": 1}'
    turns = turns_of(f"{text}\n\n\nASSISTANT: No. <|endoftext|>")
    assert [turn["role"] for turn in turns] == ["user", "assistant", "tool", "assistant"]
    assert turns[1:3] == [
        {"role": "assistant", "content": '<functioncall> {"name": "sky"}'}, {"role": "tool", "content": '{"sky": 1}'},
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "", "The sea is blue.", "Human: only a question", "### Response: only an answer",
        "The form has these fields.\nUser: admin\nAssistant: none", "User: a\nUser: b\nAssistant: c",
        "<|im_start|>user\nq<|im_end|>", "# Human: a\n## Assistant: b", "I said to the user: no. The assistant: yes.",
        "ASSISTANT: Good morning.", "Notes [INST] are written so.",
    ],
)  # fmt: skip
def test_other_text_is_no_conversation(text):
    assert turns_of(text) is None


def test_lines_within_an_answer_are_no_speakers_where_blank_lines_part_the_turns():
    text = "\n\nHuman: A dialogue?\n\nAssistant: Here:\nUser: hi\nAI: ho"
    assert [turn["role"] for turn in turns_of(text)] == ["user", "assistant"]


def test_a_transcript_may_end_with_the_user_or_with_an_answer_only_begun():
    assert transcript("\n\nHuman: q\n\nAssistant: a") == [
        {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
    ]  # fmt: skip
    assert transcript("Human: q\n\nAssistant:") == [{"role": "user", "content": "q"}]
    assert transcript("Human: q") == transcript("So:\n\nHuman: q\n\nAssistant: a") == []
    assert transcript("Human: q\nAssistant: a") == []


def test_tokens_are_taken_off_the_ends_only():
    assert bare(" <s> a </s> b <|im_end|>\n</s> ") == "a </s> b"
    assert bare("<s></s> ") == bare("") == ""


@pytest.mark.parametrize(
    "unit",
    ["\n", " \n", "\n\n", "Human: ", "\n\nHuman: a", "</s>", "<s> ", "### Input: a ", "### ", "[INST]", "<<SYS>>",
     "<|im_start|>user", "USER: ", "*", "User", "<|", "### Human: a ### Assistant: b ", "Below is an instruction"],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", "a"])
def test_any_text_takes_linear_time(unit, before, request):
    text = before + unit * (200_000 // len(unit))
    gc.disable()  # what other tests left in memory is not to be gone through here
    request.addfinalizer(gc.enable)
    started = time.process_time()
    turns_of(text)
    asked_of(text)
    transcript(text)
    assert time.process_time() - started < 1
