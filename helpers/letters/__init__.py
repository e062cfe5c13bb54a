"""Material of the fine-tuning notebook: images of letters, and the figure of its trials."""
