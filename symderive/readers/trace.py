"""The JSON trace of a derivation as a model file: the derivation is made again and compared."""

from __future__ import annotations

from symderive.json_trace import loads
from symderive.model import Model


def parse_model(text: str, *, source: str = "") -> Model:
    """The model of a trace.

    Raises:
        ModelError: The text is no trace, or says what its own model does not give.
    """
    return loads(text, source=source).model
