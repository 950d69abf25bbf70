"""The Data tab: rows in; what was found in them out, with a button for each fix.

tab             its components and events
intake          files, pasted text, the Hub, samples
samples         the data that is there already: samples, and rows made of answers
uploads         the files that a person brought, and their end
desk            data read, checked and counted for the page
prompts         held-out rows as prompts, with the answers they expect
counting        by which model's tokenizer tokens are counted, up to which length
tokenizers      the tokenizers used last
display         what the tab displays of the chosen data
findings        the summary of a data check, with a button for each fix
histogram       how long the rows are
conversation    one example as the model sees it
changes         what a click changes in the data
correction      a row corrected or added by hand
editor          its columns as text, and back
mapping         how the file is read: format, columns, roles, split
mixing          further datasets and replay data
mixture         the rows they contribute

A new button in the result: draw it with ``views.pick_button("verb:detail", …)`` and give the verb an entry in
``changes.CHANGES``.
"""
