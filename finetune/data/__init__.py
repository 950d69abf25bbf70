"""From files to the examples and tokens that a method trains on; usable without the page.

In the order of the way that rows take:

    sources      files, uploads and pasted text as one table of rows
    hub          datasets on the Hugging Face Hub, downloaded as files
    readers/     one reader per kind of file, and the map of what they share
    table        the rows of a file as they were written, each with its number
    faulty       what stands in a row for a value with a fault
    store        where rows are kept: in memory, or in a file with a few bytes of memory per row
    texts        flags and hashes of text columns, many texts at once
    fixes/       changes to the rows before training, one file each
    formats/     what a row can look like, one file each
    kinds        the kinds of example
    explanation  how much of the rows a format accounts for
    threads      tables with one turn in each row, put together
    marks        columns that say how a row takes part
    detection    the format of a table, and the dataset it gives
    examples     examples made from rows on access
    dataset      examples, the row of each, and the rejected rows
    detected     how the rows are understood, in words
    settings     the training data of a recipe, and how it is read
    idle         settings that change nothing in the data at hand
    loading      read, fix and split files into a dataset with held-out rows
    split        the train / held-out split
    mix          further data sets, and replay data
    known        a cache of the kinds of data sets read recently
    templates    a chat template, applied
    thoughts     reasoning as a chat template takes it
    omissions    what a chat template leaves out of a conversation
    tokens       from an example to token ids and their loss mask
    pieces       long texts cut into pieces
    asking       whether rows begin as the model is asked
    counts       numbers of rows and tokens

What checks them:

    checks/      what the rows are checked for, one file each
    near         duplicates and near-duplicates
    secrets      possible secrets and personal data in a text
    scripts      the script and the language of a text
    summary      summaries of many examples, and the candidates that checks see one by one
    ahead        prefetching by several threads
    report       what became of every row, findings, and advice
    stages       how many rows each stage removes or flags
    histogram    lengths in round bins

To add a kind of file, a format, a fix or a check is one new file; the package's docstring says how.
"""
