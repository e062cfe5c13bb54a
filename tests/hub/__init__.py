"""The example hub, tried as a class would use it: `python -m tests.hub`."""
