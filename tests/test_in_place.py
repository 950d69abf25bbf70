import importlib

from finetune.in_place import IN_PLACE


def test_each_name_is_declared_once_for_each_place_that_is_there():
    assert len({(entry.path, entry.used_in) for entry in IN_PLACE}) == len(IN_PLACE)
    for entry in IN_PLACE:
        module = entry.used_in
        while module.rpartition(".")[2][:1].isupper() or not _is_module(module):
            module = module.rpartition(".")[0]
        assert module.startswith("finetune."), entry.used_in


def _is_module(name):
    try:
        return importlib.import_module(name) is not None
    except ImportError:
        return False
