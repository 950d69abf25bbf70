"""From a file to rows that a method can learn from, usable without a page.

sources     files as one table of rows, told by their bytes (signature), read by delimited, lines, document, parquet,
            arrow, spreadsheet or paragraphs (decoder reads JSON strictly, shortcut many lines at once); hub fetches a
            dataset's files first
table       the rows as they were written, each with its number; store keeps many of them off the memory, and columns
            reads the lines of a large file many at a time
mends/      what is changed in the rows before they are learnt from, one file each
formats/    what a row can look like, one file each
dataset     the examples that rows give, in the format that they have (made when asked for: examples)
split       which are learnt from and which are kept for checking
mix         what else is learnt from: other data sets, and general rows against forgetting
known       what was read a moment ago and need not be read again to tell its kind
tokens      from an example to the exact tokens a model is trained on
counts      how many rows and tokens there are
checks/     what a person should know of the rows, one file each (with near, secrets and scripts)
glance      which examples the checks have to see one by one, and what is known of the others
report      what became of every row
"""
