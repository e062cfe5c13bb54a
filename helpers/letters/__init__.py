"""The letters of the fine-tuning notebook, and the picture of its trials."""
