"""From a file to rows that a method can learn from, usable without a page.

sources     a file as a table of rows, told by its bytes (signature), read by delimited, records, parquet,
            spreadsheet or paragraphs
formats/    what a row can look like, one file each
dataset     the examples of a file, in the format that it has; the split into train and held-out
tokens      from an example to the exact tokens a model is trained on
report      what happened to every row
"""
