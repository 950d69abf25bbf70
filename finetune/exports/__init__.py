"""Exports: what leaves the program.

model       the adapter as a zip file, or the merged model as a folder, each with its model card
script      the run as one script that repeats the training without this program
"""
