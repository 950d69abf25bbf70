from finetune.data.formats import FORMATS
from finetune.data.kinds import KINDS
from finetune.methods import METHODS


def test_every_kind_that_a_format_gives_or_a_method_reads_is_known():
    used = {form.kind for form in FORMATS.values()} | {kind for method in METHODS.values() for kind in method.reads}
    assert used == set(KINDS)


def test_a_kind_is_known_by_its_name_and_has_columns():
    assert all(name == kind.name and kind.columns and kind.noun and kind.plural for name, kind in KINDS.items())
