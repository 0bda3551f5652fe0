"""Arrays in formulas: NumPy's language as trees, and index notation."""
