"""The Compare tab: is the tuned model better than its base?

tab             the choice of a run, and the row of views
ask             the same question to base and tuned, and to two more
layout          its components
talk            its conversation: questions, answers, what is asked next
pane            the conversation as HTML
markdown        an answer in Markdown as HTML that fetches nothing
columns         what can be compared beside base and tuned
keeping         an answer kept as a training row, or corrected; a question edited
held_out        all held-out prompts, asked one after another
request         what every question needs: a run, settings, words for errors
running         an answer in progress, and how it is stopped
blind           a blind test: its questions, its votes, and the next round
booth           where a voter judges, here and on the page of an invitation
result          what a blind test found, with names revealed
scores          both on held-out rows: the verdict, the metrics, the rows
verdict         the verdict and the metrics, as HTML
score_rows      the rows with both answers, as HTML
report          the run on one page: to read, to download, to share
"""
