from finetune.data.checks import Evidence
from finetune.data.stages import stages_of
from tests.data.test_report import chats, counts, many, mixed
from tests.rows import report_on


def test_the_stages_add_up_and_name_their_rows():
    report = report_on(mixed(), held_out=chats(many(2)[1], ("Q0!", "a0, because of 0")))
    assert counts(report) == {
        "read": 137, "left_out": 1, "rejected": 2, "duplicates": 1, "near_duplicates": 1, "leakage": 1,
        "near_leakage": 3, "truncated": 2, "nothing_to_learn": 1, "kept": 133,
    }  # fmt: skip
    lost = sum(stage.count for stage in report.stages if stage.removed)
    assert counts(report)["read"] - lost == counts(report)["kept"] == report.kept
    rows = {stage.name: stage.rows for stage in report.stages}
    assert (rows["left_out"], rows["rejected"]) == ((4,), (3, 135))
    assert (rows["duplicates"], rows["near_duplicates"]) == ((136,), (137,))
    assert (rows["leakage"], rows["near_leakage"]) == ((2,), (1, 136, 137))
    assert all(stage.words and not stage.estimated for stage in report.stages)


def test_stages_that_do_not_apply_are_absent():
    assert list(counts(report_on(chats(*many(20))))) == [
        "read", "rejected", "duplicates", "near_duplicates", "truncated", "nothing_to_learn", "kept",
    ]  # fmt: skip


def test_counts_from_a_sample_are_extrapolated_and_marked():
    evidence = Evidence(chats(*many(100)), sample=range(10), truncated=[3], nothing_to_train_on=[3], kept=90)
    stages = {stage.name: stage for stage in stages_of(evidence)}
    assert stages["truncated"].count == 10 and stages["truncated"].words.endswith("(estimated from 10 rows)")
    assert stages["nothing_to_learn"].removed and stages["nothing_to_learn"].rows == (3,)
    assert stages["kept"].estimated and not stages["duplicates"].estimated
    assert sum(stage.count for stage in stages.values() if stage.removed) == 10
