import pytest

from finetune.data.scripts import language_of, language_or_script_of, script_of

SENTENCES = {
    "English": "The harbour is closed in winter, and you have to wait for the first boat that can leave.",
    "German": "Der Hafen ist im Winter nicht offen, und man muss auf das erste Schiff warten, das ist sicher.",
    "French": "Le port est fermé en hiver et il faut attendre les premiers bateaux qui sont dans la baie.",
    "Spanish": "El puerto está cerrado y hay que esperar los primeros barcos que llegan con el buen tiempo.",
    "Italian": "Il porto è chiuso e bisogna aspettare gli aiuti della città che non sono più come prima.",
    "Portuguese": "O porto não está aberto e você precisa de uma licença para sair do cais com mais pessoas.",
    "Dutch": "De haven is in de winter niet open en je moet wachten op het eerste schip van de dag.",
    "Greek": "Το λιμάνι είναι κλειστό.",
    "Cyrillic": "Порт закрыт зимой, ждите.",
    "Hebrew": "הנמל סגור",
    "Arabic": "الميناء مغلق",
    "Indic": "बंदरगाह बंद है",
    "Thai": "ท่าเรือปิด",
    "Japanese": "港は冬の間は閉鎖されています。",
    "Korean": "항구는 겨울에 닫혀 있습니다.",
    "Chinese": "港口在冬天关闭。",
}


@pytest.mark.parametrize("language, text", SENTENCES.items(), ids=SENTENCES)
def test_the_language_or_the_script_is_recognized(language, text):
    assert language_or_script_of(text) == language


@pytest.mark.parametrize(
    "text", ["", "42 + 7", "Yes.", "Ja.", '{"product":"lamp","issue":"late"}', "Oslo, Bergen, Tromsø"]
)
def test_the_unknown_is_not_guessed(text):
    assert language_or_script_of(text) == ""


def test_most_letters_decide_on_the_script():
    assert script_of("The word Порт means harbour") == "Latin"
    assert script_of("Слово port значит гавань") == "Cyrillic"
    assert script_of("1 + 1") == ""


def test_a_sentence_of_two_languages_is_neither():
    assert language_of("the and of der die das") == ""
