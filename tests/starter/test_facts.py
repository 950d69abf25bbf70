"""The tables hold together, and nouns get the right article."""

from finetune.starter.facts import ANIMALS, COLOURED, COUNTRIES, FOODS, OPPOSITES, a, place


def test_no_name_comes_twice():
    for table in (ANIMALS, FOODS, COUNTRIES):
        names = [row.name for row in table]
        assert len(set(names)) == len(names)
    assert len({country.capital for country in COUNTRIES}) == len(COUNTRIES)


def test_opposites_go_both_ways():
    assert all(OPPOSITES[OPPOSITES[word]] == word for word in OPPOSITES)


def test_every_thing_has_a_colour():
    assert len(COLOURED) > 30
    assert all(colour.isalpha() for colour in COLOURED.values())


def test_articles_and_places():
    assert (a("owl"), a("cow")) == ("an owl", "a cow")
    assert (place("the ice"), place("a den")) == ("on the ice", "in a den")
