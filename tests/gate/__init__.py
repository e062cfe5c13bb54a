"""The gate: runs each notebook and compares what it prints and draws with what is stored."""
