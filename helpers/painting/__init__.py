"""The networks, pictures and weights of the style transfer notebook."""
