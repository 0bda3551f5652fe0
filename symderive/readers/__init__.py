"""Ways to state a model: one module each."""
