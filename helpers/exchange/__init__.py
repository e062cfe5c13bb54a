"""Material of the interchange notebook: networks trained in PyTorch, with their own answers."""
