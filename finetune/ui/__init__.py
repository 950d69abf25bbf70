"""The page: a folder per tab, and around them:

page            the tabs, and the wires from one tab to another
theme           how the page looks
studio          what the page holds for the life of the process
clock           keeps what the page shows of the runs up to date
chooser         the choosers of a run, one on each tab that shows a run
invitation      the page of invited voters, at an address of its own
shared          the report that a shared link opens
api             the public endpoints, for ``gradio_client``
inputs          what is sent, checked before a handler sees it
form            an input for each setting, and back to a recipe
views           words and fragments that every tab shows
downloads       files to download: fetched once, by whom they were made for
sessions        what Gradio keeps of an open page, forgotten when it is closed
uploads         the temporary files of uploads, for the door to delete
cache           a cache of a few results

To add a tab: a folder with a ``tab`` module (``draw`` and ``wire``), and one line in ``page.TABS``. If it shows a run,
draw ``chooser.draw(name)`` as its ``Parts.chooser`` and give it one line in ``chooser.RULES``.
"""
