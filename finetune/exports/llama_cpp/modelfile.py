"""The Modelfile: the GGUF file for Ollama, with its chat template, its system prompt, and where a turn ends.

Ollama reads the template in the language of Go's ``text/template``, and fills it with ``.Messages`` and ``.System``.
A text between three quotation marks is taken as it is; nothing in it can be escaped.
"""

from collections.abc import Sequence

from finetune.errors import RunError
from finetune.exports.llama_cpp.turns import Turns

QUOTES = '"""'
AS_IT_IS = "{{ .Prompt }}"
"""The template of a model that continues a text."""


def modelfile(file: str, turns: Turns | None, system: str, ends: Sequence[str], has_template: bool) -> str:
    """The Modelfile for the GGUF ``file`` beside it.

    ``ends`` are the tokens that end an answer. Without ``turns`` a model that ``has_template`` is written without one:
    Ollama then looks for one of its own that is like the file's. ``RunError`` if it cannot hold the ``system`` prompt.
    """
    require_quotable(system)
    parts = [f"FROM ./{file}"]
    template = go_template(turns) if turns else "" if has_template else AS_IT_IS
    if template and QUOTES not in template:
        parts.append(f"TEMPLATE {QUOTES}{template}{QUOTES}")
    if system:
        parts.append(f"SYSTEM {QUOTES}{system}{QUOTES}")
    parts += [f'PARAMETER stop "{end}"' for end in ends if '"' not in end and "\n" not in end]
    return "\n".join(parts) + "\n"


def require_quotable(system: str) -> None:
    """``RunError`` if a Modelfile cannot hold this ``system`` prompt."""
    if QUOTES in system or system.endswith('"'):
        raise RunError(
            "The system prompt ends with a quotation mark, or has three in a row, which a Modelfile cannot hold.",
            "Give another one with system=…, or an empty one.",
        )


def go_template(turns: Turns) -> str:
    """``turns`` in the language of Ollama; empty if their words mean something in it."""
    words = [*turns.user, *turns.assistant, turns.opening, turns.default, *(turns.system or ())]
    if any("{{" in word or "}}" in word for word in words):
        return ""
    system, within = "", ""
    if turns.system and turns.place == "turn":
        system = f'{{{{ if eq .Role "system" }}}}{turns.system[0]}{{{{ .Content }}}}{turns.system[1]}{{{{ else }}}}'
    elif turns.system:
        place = "le $i 1" if turns.place == "first" else "eq (len (slice $.Messages $i)) 1"
        inside = f"{turns.system[0]}{{{{ $.System }}}}{turns.system[1]}"
        within = f"{{{{ if $.System }}}}{{{{ if {place} }}}}{inside}{{{{ end }}}}{{{{ end }}}}"
    user = f"{turns.user[0]}{within}{{{{ .Content }}}}{turns.user[1]}"
    assistant = f"{turns.assistant[0]}{{{{ .Content }}}}{turns.assistant[1]}"
    default = f"{{{{ if not .System }}}}{turns.default}{{{{ end }}}}" if turns.default else ""
    each = (
        f'{{{{ if eq .Role "user" }}}}{user}{{{{ end }}}}'
        f'{{{{ if eq .Role "assistant" }}}}{assistant}{{{{ end }}}}'
    )  # fmt: skip
    if system:
        each = f"{system}{each}{{{{ end }}}}"
    return f"{default}{{{{ range $i, $_ := .Messages }}}}{each}{{{{ end }}}}{turns.opening}"
