"""Array in, array out: the maths, on numpy alone. Shapes are (..., channels, samples)."""
