"""Tests of the helpers and of the notebooks, and the commands of those who write them."""
