"""The folders of this program's own files."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds ``app.py`` and ``assets/``."""

ASSETS = PROJECT / "assets"
