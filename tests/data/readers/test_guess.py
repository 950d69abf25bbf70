"""Texts in the encodings that people still have: the right one is offered first."""

import pytest

from finetune.data.readers.encoding_names import LEGACY, TITLES
from finetune.data.readers.guess import MixedError, guesses
from finetune.data.settings import DataSettings
from finetune.data.sources import read_table

TEXTS = {
    "gb18030": ("里斯本的人吃什么？", "他们主要吃面包和橄榄，喜欢喝茶。"),
    "big5hkscs": ("里斯本的人吃什麼？", "他們主要吃麵包和橄欖，喜歡喝茶。"),
    "cp932": ("リスボンの人は何を食べますか？", "主にパンとオリーブを食べます。"),
    "euc_jp": ("リスボンの人は何を食べますか？", "主にパンとオリーブを食べます。"),
    "cp949": ("리스본 사람들은 무엇을 먹나요?", "주로 빵과 올리브를 먹습니다."),
    "cp1250": ("Co jedzą ludzie w Lizbonie?", "Głównie chleb, żółty ser i śliwki. Źle?"),
    "cp1251": ("Что едят люди в Лиссабоне?", "В основном хлеб и оливки."),
    "koi8_r": ("Что едят люди в Лиссабоне?", "В основном хлеб и оливки."),
    "cp1252": ("Was essen die Menschen in Köln?", "Überwiegend Käse für 1,50 € – “gut”."),
    "cp1253": ("Τι τρώνε οι άνθρωποι στη Λισαβόνα;", "Κυρίως ψωμί και ελιές."),
    "cp1254": ("Lizbon'da insanlar ne yer?", "Çoğunlukla ekmek, şeftali ve ığdır kayısısı yerler."),
    "cp1255": ("מה אוכלים בליסבון?", "בעיקר לחם וזיתים."),
    "cp1256": ("ماذا يأكل الناس في لشبونة؟", "الخبز والزيتون في الغالب."),
    "cp1257": ("Ką žmonės valgo Lisabonoje?", "Daugiausia duoną ir alyvuoges, šiek tiek žuvies."),
}
FRENCH = "Que mangent les gens à Liège ?", "Du pain, des crêpes et du thé glacé, déjà."


def write(folder, encoding, texts, count):
    path = folder / "a.csv"
    path.write_bytes(("prompt,completion\n" + f'"{texts[0]}","{texts[1]}"\n' * count).encode(encoding))
    return path


@pytest.mark.parametrize("count", [1, 12, 400])
@pytest.mark.parametrize("encoding", TEXTS)
def test_the_encoding_is_offered_first_with_its_text(tmp_path, encoding, count):
    path = write(tmp_path, encoding, TEXTS[encoding], count)
    first = guesses(path, 2)[0]
    assert first.encoding == encoding and TEXTS[encoding][0] in first.preview
    table = read_table(path, DataSettings(path="a.csv", encoding=first.encoding))
    assert table.rows == [dict(zip(("prompt", "completion"), TEXTS[encoding]))] * count


def test_western_text_stays_western(tmp_path):
    assert guesses(write(tmp_path, "cp1252", FRENCH, 5), 2)[0].encoding == "cp1252"
    assert guesses(write(tmp_path, "latin-1", ("caf\xe9", "\x81"), 1), 2)[0].encoding == "latin-1"


def test_a_line_is_shown_once(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("frage,antwort\nGröße?,Groß.\nLänge?,Lang.\n".encode("cp1252"))
    assert guesses(path, 2)[0].preview == "Größe?,Groß.\nLänge?,Lang."


def test_a_file_of_two_encodings_has_none(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("thé\n".encode() + "café\n".encode("cp1252"))
    with pytest.raises(MixedError):
        guesses(path, 2)


def test_each_offer_can_be_chosen():
    assert all(DataSettings(path="a", encoding=name).encoding == name for name in TITLES)
    assert all("x".encode(name) == b"x" for name in LEGACY)
