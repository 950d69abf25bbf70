"""What leaves the program.

model       the adapter as a zip, or the merged model as a folder, each with its card
script      the run as one file that trains again without this program
"""
