"""Plain Python and NumPy functions as models: the function is called once, with traced values."""

from symderive.readers.python.tracing import trace

__all__ = ["trace"]
