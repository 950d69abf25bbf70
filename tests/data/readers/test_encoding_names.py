import codecs

from finetune.data.readers.encoding_names import LEGACY, TITLES


def test_every_name_is_an_encoding_of_python():
    assert all(codecs.lookup(name) for name in TITLES if name != "auto") and LEGACY.keys() <= TITLES.keys()
