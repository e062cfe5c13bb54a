"""Instruments: the film of a folder, a small server, silent loads and pictures of a restore."""
