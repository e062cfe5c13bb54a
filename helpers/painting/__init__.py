"""Material of the style transfer notebook: pictures, two networks, and their trained weights."""
