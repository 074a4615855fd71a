"""Pictures for people, drawn from a stream of any length in constant memory.

What is heard over time is gathered in columns that widen as the sound goes on (columns.py); a
picture is drawn once, at the end, by matplotlib (figure.py). strip.py needs no picture: it draws
in the characters of a terminal.
"""
