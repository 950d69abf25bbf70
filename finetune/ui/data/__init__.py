"""The Data tab.

tab             its components and events
desk            data read, checked and counted for the page
counting        by which model, up to which length
tokenizers      the tokenizers used last
intake          files, pasted text, the Hub, samples
samples         the data that ships with the program
shown           what the tab shows of the data that was chosen
findings        what was found in it, with a button for each fix
histogram       how long its rows are
conversation    one example as the model sees it
changes         what a click changes
correction      a row corrected or added by hand
editor          its columns as text, and back
mapping         how the file is read: format, columns, roles, split
mixing          further data sets and replay data
mixture         what comes of those
"""
