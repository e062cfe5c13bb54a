"""Recipes to take home: each file or folder here works when it is copied alone."""
