"""The gate that every notebook passes: how it is run, what is compared, the house rules."""
