"""From a file to rows that a method can learn from, usable without a page.

sources reads tables, formats understand their rows, tokens turns an example into what the model is trained
on, report says what happened to every row.
"""
