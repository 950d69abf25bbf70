import pytest

from finetune.rewards.language import Language
from finetune.rewards.reward import Answered

GERMAN = "Das ist nicht so einfach, wie es auf den ersten Blick aussieht, und die Antwort ist lang."


@pytest.mark.parametrize(
    ("language", "text", "earns"),
    [
        ("German", GERMAN, 1),
        ("English", GERMAN, 0),
        ("Cyrillic", "Это не так просто", 1),
        ("Latin", GERMAN, 1),
        ("Latin", "Это не так просто", 0),
        ("German", "Oslo", None),
    ],
)
def test_the_language_or_the_script(language, text, earns):
    assert Language(language=language).score(Answered(text)) == earns
