import pytest

from tests.threats.table import marked, threats


@pytest.mark.parametrize("threat", threats(), ids=lambda threat: threat.name)
def test_each_threat_is_held_off_by_a_test_or_does_not_apply(threat):
    assert bool(threat.tests) != bool(threat.does_not_apply), f"{threat.name}: {threat.words}"


def test_marks_of_tests_and_of_files_are_found(tmp_path):
    path = tmp_path / "test_it.py"
    path.write_text(
        "pytestmark = [pytest.mark.threat('T1'), pytest.mark.heavy]\n"
        "@pytest.mark.threat('T2', 'S1')\ndef test_a(): ...\n"
        "@pytest.mark.heavy\ndef test_b(): ...\n"
        "@pytest.mark.threat('T3')\ndef helper(): ...\n"
    )
    assert marked(path) == [("T1", "test_a"), ("T2", "test_a"), ("S1", "test_a"), ("T1", "test_b")]
