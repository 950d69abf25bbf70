import os

import pytest

from finetune.redaction import HIDDEN, holds_secret, redacted, redacted_by_form, without_folders

SECRETS = (
    "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "sk-proj-Ab12Cd34Ef56Gh78Ij90",
    "sk-ant-api03-Ab12Cd34Ef56Gh78Ij90",
    "ghp_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "github_pat_11AAAAAAA0abcdefghijkl",
    "AKIAIOSFODNN7EXAMPLE",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "xoxb-123456789012-abcdefABCDEF",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9",
)
HARMLESS = """
Answer in a basic English sentence, please: the bearer certificates were kind.
https://huggingface.co/me/model?revision=main at git@github.com:me/model, see http://127.0.0.1:8000/v1
sk-toggleable__label-arrow skips sk-learn; hf_transfer and hf_hub; a key: value, secret=ingredient, tokens = 12
""".strip().splitlines()


@pytest.mark.threat("T33")
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("around", ["{}", "Invalid token: '{}'.", '{{"a": "{}"}}', "Bearer {}", "x={}\nb", "({})"])
def test_a_key_is_hidden_wherever_it_stands(secret, around):
    text = around.format(secret)
    assert secret not in redacted(text) and secret[6:] not in redacted(text) and HIDDEN in redacted(text)
    assert holds_secret(text)
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.threat("T33")
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("401 for url https://me:pa55@hub.example/a", "pa55"),
        ("http://pa55word@hub.example", "pa55word"),
        ("https://hub.example/a?token=pa55&b=1", "pa55"),
        ("https://hub.example/a?b=1&api_key=pa55", "pa55"),
        ("https://s3.example/a?X-Amz-Signature=pa55&b=1", "pa55"),
        ("Authorization: Bearer abcd1234efgh", "abcd1234efgh"),
        ("{'authorization': 'Basic bWU6cGE1NQ=='}", "bWU6cGE1NQ"),
        ("headers={'Cookie': 'session-abcdefgh'}", "session-abcdefgh"),
        ("bearer abcd1234efgh", "abcd1234efgh"),
    ],
)
def test_a_password_in_an_address_or_a_header_is_hidden(text, secret):
    assert secret not in redacted(text) and HIDDEN in redacted(text)
    assert text.split(secret)[0][:4] in redacted(text), "the rest stays"


@pytest.mark.threat("T33")
def test_what_a_variable_of_the_environment_holds_is_hidden(monkeypatch):
    names = "HF_TOKEN HUGGING_FACE_HUB_TOKEN FINETUNE_JUDGE_KEY OPENAI_API_KEY WANDB_API_KEY DB_PASSWORD MY_SECRET"
    for n, name in enumerate(names.split()):
        monkeypatch.setenv(name, f"correct-horse-{n}")
    monkeypatch.setenv("FINETUNE_AUTH", "owner:battery-staple")
    monkeypatch.setenv("SOME_WORD", "correct-words-8")
    monkeypatch.setenv("SHORT_KEY", "one")
    text = " ".join(f"correct-horse-{n}" for n in range(len(names.split())))
    assert redacted(text) == " ".join([HIDDEN] * len(names.split()))
    assert redacted("owner:battery-staple, battery-staple") == f"{HIDDEN}, {HIDDEN}"
    assert redacted("correct-words-8 one") == "correct-words-8 one"
    assert redacted_by_form(text) == text and not holds_secret(text)


def test_the_folder_that_a_shell_is_in_is_no_password(monkeypatch):
    monkeypatch.setenv("PWD", "/home/ada/finetune-studio")
    monkeypatch.setenv("DB_PWD", "correct-horse-1")
    assert (
        redacted("/home/ada/finetune-studio/exported correct-horse-1") == f"/home/ada/finetune-studio/exported {HIDDEN}"
    )


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_stays(text):
    assert redacted_by_form(text) == text and not holds_secret(text)


def test_a_long_text_takes_no_longer_than_it_must():
    import time

    for text in ("hf_" * 300_000, "a" * 1_000_000, "://" + "a:" * 500_000, "?token" * 150_000, "bearer " * 150_000):
        began = time.monotonic()
        redacted(text)
        assert time.monotonic() - began < 5


@pytest.mark.threat("T34")
def test_a_path_of_this_machine_is_the_name_of_its_file():
    cases = {
        "No such file: '/home/me/models/tiny/model.safetensors'": "No such file: 'model.safetensors'",
        "in /usr/lib/python3/site-packages/torch/nn.py:12": "in nn.py:12",
        "file:///etc/ssl/key.pem is there": "key.pem is there",
        r"C:\Users\me\model.bin": "model.bin",
        "me/model at https://hub.example/me/model/a": "me/model at https://hub.example/me/model/a",
        "3/4 of a / b": "3/4 of a / b",
    }
    assert {text: without_folders(text) for text in cases} == cases
    home = os.path.expanduser("~")
    assert home not in without_folders(f"{home}/My Documents/a b.txt")
