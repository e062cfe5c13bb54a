"""The course in other languages: the texts, and the command that builds and checks them.

A translation is prose only. Code and stored outputs are taken from the English notebooks.
"""
