"""Random small programs, each with an English description of what it does.

Both programming suites are built from them. A signature names the shape of a program
without its constants: it decides whether the program belongs to the held-out side.
"""
