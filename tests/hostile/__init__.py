"""Files that run code when they are loaded, or try to: all that they do is to make an empty file.

Importing TensorFlow takes seconds. So nothing here imports it: what needs it is given it.
"""
