"""The elements of a document in XML, one after the other: what was read of it leaves the memory at once.

Entities are refused by the parser where they multiply (expat), and none is fetched.
"""

from collections.abc import Collection, Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element, iterparse

from finetune.errors import DataError

DEEPEST = 500
"""Levels; a document of tables within tables has some 50."""


def elements(content: BinaryIO, whole: Collection[str], begun: Collection[str] = ()) -> Iterator[tuple[str, Element]]:
    """``("end", element)`` for each outermost one with a tag in ``whole``, ``("start", element)`` for those ``begun``.

    ``DataError`` if they are nested too deeply.
    """
    opened: list[Element] = []
    inside = 0
    for event, node in iterparse(content, ("start", "end")):
        if event == "start":
            opened.append(node)
            inside += node.tag in whole
            if len(opened) > DEEPEST:
                raise DataError(
                    f"The document is nested more than {DEEPEST} levels deep.", "Save it as text or as CSV."
                )
            if node.tag in begun and not inside:
                yield event, node
            continue
        opened.pop()
        if node.tag in whole:
            inside -= 1
            if not inside:
                yield event, node
        if not inside and opened:
            opened[-1].remove(node)
