"""No password, key or token in what the program writes: events, logs, tracebacks, and what stands in a terminal.

What is in data stays as it is: it is the person's own, and ``finetune.data.checks.secrets`` reports it.
"""

import os
import re
import sys
import tempfile

HIDDEN = "[hidden]"

FEWEST = 12
"""Characters of a value in the environment that is looked for: a short one may be an ordinary word of a text."""

SECRET_NAME = re.compile(
    r"(?:^|_)(?:TOKENS?|(?:API|JUDGE|ACCESS|PRIVATE|SECRET)?_?KEY(?:_ID)?|SECRETS?|PASSWORD|PASSWD|PASS|PWD|AUTH"
    r"|CREDENTIALS?|NOTIFY_URL|WEBHOOK(?:_URL)?)(?:_|$)",
    re.IGNORECASE,
)
"""Names of variables in the environment that hold a secret."""

FOLDER = "PWD"
"""A shell keeps the folder that it is in under this name, which is no password."""

IN_ADDRESS = re.compile(r"(?<=://)[^\s/?#@\"'<>]+(?=@)")
"""A user and a password in front of a host."""
PARAMETER = re.compile(
    r"(?i)([?&;](?:[a-z_-]*(?:token|key|secret|password|passwd|signature|credential)|sig|auth|pwd)=)[^\s&;#\"'<>]+"
)
BEARER = re.compile(r"(?i)\b(bearer\s+)(?=[^\s\"']*\d)[A-Za-z0-9._~+/=-]{8,}")
HEADER = re.compile(
    r"(?i)\b((?:authorization|cookie|x-api-key|api[_-]key)[\"']?\s*[:=]\s*[\"']?(?:bearer |basic )?)"
    r"[A-Za-z0-9._~+/=-]{8,}"
)
KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}"
    r"|sk-(?=[A-Za-z_-]{0,50}\d)[A-Za-z0-9_-]{16,}"
    r"|(?:gh[pousr]_|github_pat_)[A-Za-z0-9_]{16,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}"
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,4000}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,})"
)
FOLDERS = re.compile(r"(?<![\w:/.\\-])(?:file://|[A-Za-z]:)?[/\\](?:[^\s/\\'\"<>:;,()|]+[/\\])+")
"""The folders of a path from the root of this machine; not those of an address, and no ``me/model``."""


def redacted(text: str) -> str:
    """``text`` with ``[hidden]`` for each password, key and token: by their form, and those of the environment."""
    for value in _of_environment():
        text = text.replace(value, HIDDEN)
    return redacted_by_form(text)


def redacted_by_form(text: str) -> str:
    """``text`` with ``[hidden]`` for what has the form of a password, a key or a token, whatever the environment."""
    return HEADER.sub(rf"\1{HIDDEN}", _plainly_redacted(text))


def holds_secret(text: str) -> bool:
    """True if ``text`` holds what can hardly be anything but a password, a key or a token."""
    return _plainly_redacted(text) != text


def without_folders(text: str) -> str:
    """``text`` with the names of files alone: where they lie is of no use to whoever asks from elsewhere."""
    for folder in (tempfile.gettempdir(), sys.prefix, os.getcwd(), os.path.expanduser("~")):
        if len(folder) > 1:
            text = text.replace(folder + os.sep, os.sep + "…" + os.sep)
    return FOLDERS.sub("", text)


def _plainly_redacted(text: str) -> str:
    text = IN_ADDRESS.sub(HIDDEN, text) if "://" in text else text
    text = PARAMETER.sub(rf"\1{HIDDEN}", text) if "=" in text else text
    return KEY.sub(HIDDEN, BEARER.sub(rf"\1{HIDDEN}", text))


def _of_environment() -> list[str]:
    """The secrets in the environment, the longest first; of ``user:password`` the password as well."""
    values = {value for name, value in os.environ.items() if SECRET_NAME.search(name) and name != FOLDER}
    values |= {value.partition(":")[2] for value in values}
    return sorted((each for each in values if len(each) >= FEWEST), key=len, reverse=True)
