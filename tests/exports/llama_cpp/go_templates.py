"""The part of Go's ``text/template`` that a Modelfile uses, as its documentation describes it."""

import re


def expand(template: str, messages: list[dict]) -> str:
    """``template`` filled as Ollama does: ``.Messages`` with all turns, ``.System`` with the system prompt."""
    parts = re.split(r"\{\{(.*?)\}\}", template, flags=re.DOTALL)
    tree, rest = _parse(list(enumerate(parts)))
    assert not rest
    system = "\n\n".join(each["content"] for each in messages if each["role"] == "system")
    top = {"Messages": [{"Role": each["role"], "Content": each["content"]} for each in messages], "System": system}
    return _run(tree, top, {"$": top})


def _parse(parts: list) -> tuple[list, list]:
    """The tree up to ``end`` or ``else``; what is left begins with that."""
    tree = []
    while parts:
        n, part = parts[0]
        word = part.strip() if n % 2 else ""
        if word == "end" or word == "else":
            return tree, parts
        parts = parts[1:]
        if word.startswith(("if ", "range ")):
            body, parts = _parse(parts)
            otherwise = []
            if parts[0][1].strip() == "else":
                otherwise, parts = _parse(parts[1:])
            assert parts[0][1].strip() == "end"
            parts = parts[1:]
            tree.append((word, body, otherwise))
        else:
            tree.append(("print", word) if n % 2 else ("text", part))
    return tree, parts


def _run(tree: list, dot, names: dict) -> str:
    found = ""
    for kind, *rest in tree:
        if kind == "text":
            found += rest[0]
        elif kind == "print":
            found += str(_value(rest[0], dot, names))
        elif kind.startswith("if "):
            found += _run(rest[0] if _value(kind[3:], dot, names) else rest[1], dot, names)
        else:
            index, element, values = re.fullmatch(r"range (\$\w+), (\$\w+) := (.+)", kind).groups()
            for n, each in enumerate(_value(values, dot, names)):
                found += _run(rest[0], each, names | {index: n, element: each})
    return found


def _value(words: str, dot, names: dict):
    """A value or a call of a function, whose arguments may be calls in parentheses."""
    given = re.findall(r'\((?:[^()]|\([^()]*\))*\)|"[^"]*"|\S+', words)
    if len(given) > 1:
        function, *values = given[0], *(_value(each, dot, names) for each in given[1:])
        return {
            "eq": lambda a, b: a == b, "le": lambda a, b: a <= b, "len": len, "not": lambda a: not a,
            "slice": lambda values, start: values[start:],
        }[function](*values)  # fmt: skip
    (word,) = given
    if word.startswith("("):
        return _value(word[1:-1], dot, names)
    if word.startswith('"'):
        return word[1:-1]
    if word.isdigit():
        return int(word)
    name, *fields = word.split(".")
    found = dot if name == "" else names[name]
    for field in fields:
        found = found[field]
    return found
