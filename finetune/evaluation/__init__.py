"""Before and after: is the tuned model better, at what, and what did it cost?

evaluate    base and tuned on the same rows -> scores and rows
questions   rows as both models are asked them
general     questions that have nothing to do with the data, for what was forgotten
subject     both models, loaded: answers, losses, margins
metrics     how an answer is compared with the expected one, one file each
part        one set of rows: both models' values, and what chance could explain
memorized   training answers given word for word, secrets completed
scores      what an evaluation found
sheet       where it stands in the run directory
verdict     what it means, in sentences
words       scores in words
ranking     which of several runs scored best
statistics  intervals and tests: could the difference be chance?

prompts     what a blind test asks: held-out rows, a person's own list, or a file
ballot      its questions with both answers, fixed once for all voters
order       how one voter sees it: which question comes next, which answer stands left
votes       what the voters chose, of which none is lost
tally       its result: the win rate, and whether chance could explain it
rounds      runs that each train the one before further, with their win rates
next_round  votes as preference data, and the recipe that trains on them
judging     the same answers before a judge, in both orders
benchmarks  standard benchmarks, where the harness for them is installed

report          all that the report of a run says, as facts
report_page     the same as one HTML page, for the screen and two sheets of A4
interval_chart  base and tuned with their intervals, as a small SVG
difference      the difference of both in words
examples        five rows with both answers, failures among them
shared_recipe   the recipe, without the folders of this machine
limits          what a person should know before they rely on the model
cost            time, energy and money
"""
