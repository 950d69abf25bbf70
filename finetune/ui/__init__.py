"""The page: a folder per tab, and around them:

page            the tabs, the theme, and the wires from one tab to another
studio          what the page holds for the life of the process
clock           what the page shows of all runs and of one, as they change
api             the public endpoints, for ``gradio_client``
form            an input for each setting, and back to a recipe
views           fragments that every tab shows
cache           results at hand
"""
