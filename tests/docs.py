"""The tables of README.md and assets/lab.md, drawn from the classes they describe or from figures as measured.

    python -m tests.docs            exit code 1 if a file differs from them
    python -m tests.docs --write    bring both files up to date

A table stands between ``<!-- table: NAME -->`` and ``<!-- end of table -->``; ``tests/test_docs.py`` compares.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable

import yaml

import finetune
from finetune.__main__ import parser
from finetune.adapters import ADAPTERS
from finetune.data.detected import listed
from finetune.data.fixes import FIXES
from finetune.data.formats import FORMATS
from finetune.data.settings import DataSettings
from finetune.evaluation.metrics import METRICS
from finetune.inference.sampling import Sampling
from finetune.methods import METHODS
from finetune.models.known import known_models
from finetune.paths import ASSETS, PROJECT
from finetune.recipe import EvaluationSettings, ModelSettings, TrainingSettings
from finetune.rewards import REWARDS
from finetune.settings import Field, Settings, fields
from finetune.ui.method.presets import presets
from tests.threats.table import threats

README = PROJECT / "README.md"
LAB = ASSETS / "lab.md"
GRID = ASSETS / "grid.json"
HANDOVERS = ASSETS / "handovers.json"
LAYOUTS = PROJECT / "tests" / "data" / "layouts.yaml"
MOST_COLUMNS = 6
"""Of a layout, that its row of the table names; the others are counted."""

SHARED: dict[str, type[Settings]] = {
    "model": ModelSettings,
    "data": DataSettings,
    "training": TrainingSettings,
    "evaluation": EvaluationSettings,
    "chat": Sampling,
}
"""The groups of settings that every recipe or chat has, by the names of their tables."""

GROUPS: dict[str, type[Settings]] = {
    **SHARED,
    **{f"method {name}": cls for name, cls in METHODS.items()},
    **{f"adapter {name}": cls for name, cls in ADAPTERS.items()},
}
"""Every group of settings that a person can change."""


def settings_table(cls: type[Settings]) -> str:
    """The settings of ``cls`` with their help, allowed values and defaults."""
    rows = [(f"`{field.name}`", field.help, _allowed(field), _default(field)) for field in fields(cls)]
    return _table(("Setting", "What it does", "Allowed", "Default"), rows)


def settings_tables(part: str, classes: dict[str, type[Settings]]) -> str:
    """The settings of each of ``classes``, under a heading that says how a recipe chooses it."""
    tables = (f"\n#### {part}: {{type: {name}}}\n\n{settings_table(cls)}" for name, cls in classes.items())
    return "".join(tables) + "\n"


def methods_table() -> str:
    rows = [(f"`{name}`", cls.plain, cls.engineer, ", ".join(cls.reads)) for name, cls in METHODS.items()]
    return _table(("Method", "In plain words", "For the engineer", "Reads"), rows)


def adapters_table() -> str:
    rows = [(f"`{name}`", cls.plain, cls.engineer) for name, cls in ADAPTERS.items()]
    return _table(("Adapter", "In plain words", "For the engineer"), rows)


def rewards_table() -> str:
    """The rewards, each with a line that asks for it."""
    rows = [(cls.title, cls.plain, f"`{cls.example}`") for cls in REWARDS.values()]
    return _table(("Reward", "What earns it", "For example"), rows)


def metrics_table() -> str:
    """The metrics of an evaluation, the one that decides first where it fits first."""
    rows = [(metric.title, metric.plain, metric.source or "–") for metric in METRICS.values()]
    return _table(("Metric", "What it says", "Source"), rows)


def presets_table() -> str:
    """The presets of the Method tab, each with the method and the adapter that it stands for."""
    rows = [(preset.title, f"`{preset.method['type']}`", f"`{preset.adapter['type']}`") for preset in presets()]
    return _table(("Preset", "Method", "Adapter"), rows)


def packages_table() -> str:
    """The rows of the map in ``finetune/__init__.py``, top first, in the same words."""
    layers = re.search(r"rooms of one:\n\n(.+?)\n\n", finetune.__doc__, re.DOTALL)[1]
    found = (re.fullmatch(r" *(\S+(?: {1,2}\S+)*?)(?: {3,}(.+))?", line) for line in layers.splitlines())
    return _table(
        ("Package", "What happens in it"),
        [(", ".join(f"`{name}`" for name in row[1].split()), row[2] or "–") for row in found],
    )


def commands_table() -> str:
    return _table(("Command", "What it does"), [(f"`{usage}`", words) for usage, words in commands()])


def models_table() -> str:
    rows = [
        (
            f"`{model.id}`",
            f"{model.parameters / 1e9:.2g} B" if model.parameters < 1e11 else f"{model.parameters / 1e9:.0f} B",
            _gigabytes(model.qlora_gb),
            _gigabytes(model.lora_gb),
            model.license + (", to accept" if model.gated else ""),
            model.good_for,
        )
        for model in known_models()
    ]
    return _table(("Model", "Parameters", "QLoRA", "LoRA", "License", "Good for"), rows)


def _gigabytes(count: float | None) -> str:
    return f"{count:g} GB" if count else "–"


def commands() -> list[tuple[str, str]]:
    """Each command of the command line: its usage in one line, and what it does."""
    top = parser()
    (subcommands,) = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    return [
        (
            re.sub(r"\s+", " ", command.format_usage()).removeprefix("usage: ").replace("[-h] ", "").strip(),
            command.description,
        )
        for command in subcommands.choices.values()
    ]


def formats_table() -> str:
    """Every data format, with the fields that it reads."""
    rows = [
        (
            f"`{name}`",
            form.title,
            ", ".join(f"`{field.name}`" + ("" if field.required else " (optional)") for field in form.fields),
        )
        for name, form in FORMATS.items()
    ]
    return _table(("Format", "What it is", "Fields"), rows)


def layouts() -> list[dict]:
    """The layouts that ``tests/data/test_layouts.py`` tests, in the order of the table."""
    return yaml.safe_load(LAYOUTS.read_text(encoding="utf-8"))


def layouts_table() -> str:
    """Every layout with its columns, and the format that it is read as."""
    rows = [(entry["from"], entry["layout"], _columns(entry["rows"]), _read_as(entry)) for entry in layouts()]
    return _table(("From", "Layout", "Columns", "Read as"), rows)


def _columns(rows: list[dict]) -> str:
    names = list(dict.fromkeys(column for row in rows for column in row))
    return listed([f"`{name}`" + _keys([row[name] for row in rows if name in row]) for name in names], MOST_COLUMNS)


def _keys(values: list) -> str:
    """The keys of the objects in a column, in brackets; nothing if it holds none."""
    items = [item for value in values for item in (value if isinstance(value, list) else [value])]
    keys = list(dict.fromkeys(key for item in items if isinstance(item, dict) for key in item))
    return f" ({listed(keys, MOST_COLUMNS)})" if keys else ""


def _read_as(entry: dict) -> str:
    if "refused" in entry:
        return f"Refused: {entry['because']}"
    title = FORMATS[entry["format"]].title
    return f"{title}, once you confirm it: {entry['because']}" if entry.get("asks") else title


def fixes_table() -> str:
    """Every fix of rows, with its settings."""
    rows = [
        (f"`{name}`", cls.__doc__.strip(), ", ".join(f"`{field.name}`" for field in fields(cls)) or "–")
        for name, cls in FIXES.items()
    ]
    return _table(("Fix", "What it does", "Settings"), rows)


def faults_table() -> str:
    """The figures of ``python -m tests.faults --write``."""
    rows = [(line["fault"], f"{line['survived']} of {line['tried']}") for line in figures("faults")]
    return _table(("Fault", "Survived"), rows)


def speed_table() -> str:
    """The figures of ``python -m tests.benchmarks.training --write``."""
    rows = [
        (
            line["sample"],
            line["way"],
            f"{line['tokens_per_s']:,}",
            f"{line['against_trl']:.2f}",
            f"{line['against_bare']:.2f}",
            f"{line['held_out_loss']:.3f}",
        )
        for line in figures("training")
    ]
    head = ("Sample", "Way", "Tokens per second", "Against trl", "Against bare", "Held-out loss after it")
    return _table(head, rows)


TRIALS = {
    "lora": "LoRA",
    "qlora": "QLoRA",
    "full": "Full",
    "estimate": "Estimate",
    "packing": "Packing",
    "compare": "Compare",
    "export": "Export",
}
"""The trials of ``tests.zoo_table`` and their columns."""
NOT_TRIED = "–"


def architectures() -> dict[str, dict[str, str]]:
    """The rows of ``python -m tests.zoo_table --write``."""
    return json.loads((ASSETS / "architectures.json").read_text(encoding="utf-8"))


def architectures_table() -> str:
    """Every architecture with the words of its trials; a reason that all of a row share is given once."""
    rows = []
    for name, row in architectures().items():
        cells = [row.get(trial, NOT_TRIED) for trial in TRIALS]
        refused = [words.startswith("refused") for words in cells]
        if all(refused):
            cells = [cells[0], *["refused"] * (len(cells) - 1)]
        rows.append((f"`{name}`", *cells))
    return _table(("Architecture", *TRIALS.values()), rows)


def families_table() -> str:
    """How many architectures of each kind do what, of those that were tried."""
    rows, families = [], {}
    for row in architectures().values():
        families.setdefault(row["family"], []).append(row)
    for family, members in sorted(families.items(), key=lambda item: -len(item[1])):
        rows.append((family, str(len(members)), *(_counted(members, trial) for trial in TRIALS)))
    return _table(("Kind", "Architectures", *TRIALS.values()), rows)


def _counted(members: list[dict[str, str]], trial: str) -> str:
    """The words of one trial and how often each was found, the most frequent first; reasons of refusals left out."""
    words = Counter(row[trial].partition(":")[0] for row in members if trial in row)
    return ", ".join(f"{count} {word}" for word, count in words.most_common()) or NOT_TRIED


def handovers_table() -> str:
    """Forms by kinds of runs: how many of five answers are the run's in what was written."""
    found = json.loads(HANDOVERS.read_text(encoding="utf-8"))
    forms = list(dict.fromkeys(form for cells in found.values() for form in cells))
    rows = [(f"`{form}`", *(cells.get(form, NOT_TRIED) for cells in found.values())) for form in forms]
    return _table(("", *(f"`{name}`" for name in found)), rows)


def grid() -> dict[str, dict]:
    """The results of ``tests.grid``, by method and adapter."""
    return json.loads(GRID.read_text(encoding="utf-8"))


def grid_table() -> str:
    """Methods by adapters: what each pair did to its own held-out measure."""
    found = grid()
    rows = [(f"`{method}`", *(_outcome(found.get(f"{method}-{name}")) for name in ADAPTERS)) for method in METHODS]
    return _table(("", *(f"`{name}`" for name in ADAPTERS)), rows)


def _outcome(cell: dict | None) -> str:
    """A cell in a word: before and after of a pair that holds in all, else what it is."""
    if cell is None:
        return NOT_TRIED
    if "refused" in cell:
        return "refused"
    if "crashed" in cell or not (cell["improves"] and cell["reloads"] and cell["resumes"]):
        return "**fails**"
    return f"{cell['before']:.2f} → {cell['after']:.2f}"


def grid_details_table() -> str:
    """Every pair that was tried, with its measure, the share that is trained and its time; refused ones with why."""
    rows = []
    for name, cell in grid().items():
        method, adapter = name.split("-", 1)
        if "refused" in cell:
            rows.append((f"`{method}`", f"`{adapter}`", "refused", "", "", cell["refused"]))
            continue
        held = [word for word in ("improves", "reloads", "resumes") if cell.get(word)]
        facts = f"{cell.get('before')} → {cell.get('after')}", f"{100 * cell.get('trainable', 0):.2g} %"
        says = ", ".join(held) or cell["crashed"]
        rows.append((f"`{method}`", f"`{adapter}`", cell.get("measure", "–"), *facts, says))
    return _table(("Method", "Adapter", "Measure", "Before → after", "Trained", "What holds, or why not"), rows)


def threats_table() -> str:
    """What could be done to the studio, and how many tests hold it off."""
    rows = [
        (
            each.name,
            each.words,
            each.does_not_apply or f"{len(each.tests)} {'tests' if len(each.tests) > 1 else 'test'}",
        )
        for each in threats()
    ]
    return _table(("", "What could be done", "Held off by"), rows)


def threats_details_table() -> str:
    """Every threat with the names of its tests."""
    rows = [(each.name, each.words, ", ".join(f"`{test}`" for test in each.tests) or "–") for each in threats()]
    return _table(("", "What could be done", "Tests, all of which pass"), rows)


def figures(what: str) -> list[dict]:
    """The figures of one benchmark, as it wrote them."""
    return json.loads((ASSETS / "benchmarks.json").read_text(encoding="utf-8"))[what]


TABLES: dict[str, Callable[[], str]] = {
    "faults": faults_table,
    "speed": speed_table,
    "formats": formats_table,
    "layouts": layouts_table,
    "fixes": fixes_table,
    "methods": methods_table,
    "adapters": adapters_table,
    "rewards": rewards_table,
    "metrics": metrics_table,
    "presets": presets_table,
    "packages": packages_table,
    "commands": commands_table,
    "models": models_table,
    "architectures by kind": families_table,
    "grid": grid_table,
    "handovers": handovers_table,
    "threats": threats_table,
    **{name: lambda cls=cls: settings_table(cls) for name, cls in SHARED.items()},
    "settings of methods": lambda: settings_tables("method", METHODS),
    "settings of adapters": lambda: settings_tables("adapter", ADAPTERS),
}


LAB_TABLES: dict[str, Callable[[], str]] = {
    "architectures": architectures_table,
    "grid in full": grid_details_table,
    "threats in full": threats_details_table,
}


def with_tables(text: str) -> str:
    """``text`` with each of its tables as the classes have it; an unknown table name raises ``KeyError``."""
    tables = TABLES | LAB_TABLES
    return re.sub(
        r"(<!-- table: ([^>]+?) -->\n).*?(<!-- end of table -->)",
        lambda found: f"{found[1]}{tables[found[2]]()}{found[3]}",
        text,
        flags=re.DOTALL,
    )


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return "It has no settings of its own.\n"
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def _cell(text: str) -> str:
    """``text`` in one line, for a line feed would end the row."""
    return " ".join(text.split()).replace("|", "\\|").replace("``", "`")


def _allowed(field: Field) -> str:
    if field.choices:
        return ", ".join(f"`{choice}`" for choice in field.choices)
    if field.kind == "switch":
        return "`true`, `false`"
    if field.minimum is None and field.maximum is None:
        return field.kind
    if field.minimum is None or field.maximum is None:
        return f"at least {field.minimum:,}" if field.maximum is None else f"at most {field.maximum:,}"
    return f"{field.minimum:,} to {field.maximum:,}"


def _default(field: Field) -> str:
    if field.default is None and not field.optional:
        return "required"
    if field.default in (None, (), {}, ""):
        return "–"
    if field.kind == "list":
        return ", ".join(f"`{each}`" for each in field.default)
    return f"`{str(field.default).lower() if field.kind == 'switch' else field.default}`"


def main(arguments: list[str]) -> int:
    differs = False
    for file in (README, LAB):
        before = file.read_text(encoding="utf-8")
        after = with_tables(before)
        differs |= before != after
        if arguments == ["--write"]:
            file.write_text(after, encoding="utf-8")
    return 0 if arguments == ["--write"] else int(differs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
