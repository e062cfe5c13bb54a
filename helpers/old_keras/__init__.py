"""Files that Keras 2 wrote, what the models answered there, and the program that made them."""
