"""Instruments: the film of a folder during a save, and a small server for a SavedModel."""
