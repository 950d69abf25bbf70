"""The process that reads the text of a PDF document; ``finetune.data.readers.pdf`` starts it.

A PDF is a program for a drawing machine: a page can draw a form that draws another one twice, and so on, and no library
stops in the middle. So the system ends this process after its share of the processor, and gives it no more memory than
it may use. It imports nothing of this program, and prints a line of JSON for each page.
"""

import json
import logging
import sys
from contextlib import suppress


def limit(seconds: int, memory_bytes: int) -> None:
    """Limit the processor time and the memory of this process, and let it write no file."""
    with suppress(ImportError, ValueError, OSError):  # a system that has no such limits
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(path: str, seconds: int, memory_bytes: int) -> None:
    """Print the text of each page of the document ``path``, or what is wrong with it."""
    limit(seconds, memory_bytes)
    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)  # it reports every oddity, which is nothing to act on
    try:
        with open(path, "rb") as file:
            document = PdfReader(file)
            if document.is_encrypted and not document.decrypt(""):
                _say("locked", "")
                return
            for page in document.pages:
                _say("page", page.extract_text())
    except MemoryError:
        _say("memory", "")
    except Exception as error:  # whatever a library raises over a damaged file
        _say("damaged", f"{type(error).__name__}" if not str(error) else str(error)[:500])
    else:
        _say("end", "")


def _say(kind: str, text: str) -> None:
    sys.stdout.write(json.dumps([kind, text]) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
