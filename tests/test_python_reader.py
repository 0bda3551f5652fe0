"""Traced programs: the model's value is the function's own, its gradient that of differences."""

from __future__ import annotations

import numpy as np
import pytest

import symderive as sd
from tests.traced_programs import PROGRAMS, Program, flat_names, point


def _point(program: Program):
    return {
        name: point(program, stated, np.random.default_rng(11 + k))
        for k, (name, stated) in enumerate(program.shapes.items())
    }


def _differences(program: Program, values, name_parts):
    """Central differences of the function itself, by the entries of each array."""
    result = {}
    for name, array in name_parts.items():
        gradient = np.zeros(np.shape(array))
        for place in np.ndindex(np.shape(array)):
            sides = []
            for sign in (1, -1):
                moved = {n: np.array(v, dtype=float) for n, v in name_parts.items()}
                moved[name][place] += sign * 1e-5
                args = {n: _filled(n, v, moved) for n, v in values.items()}
                sides.append(float(program.function(**args, **program.plain)))
            gradient[place] = (sides[0] - sides[1]) / 2e-5
        result[name] = gradient
    return result


def _filled(name, value, parts):
    if isinstance(value, dict):
        return {k: _filled(f"{name}_{k}", v, parts) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_filled(f"{name}_{k}", v, parts) for k, v in enumerate(value, 1))
    part = parts[name]
    return part.copy() if part.ndim else float(part)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.function.__name__)
def test_value_and_gradient(program):
    values = _point(program)
    parts = {k: v for name, value in values.items() for k, v in flat_names(name, value).items()}
    model = sd.trace(
        program.function, parameters=list(program.shapes), **program.shapes, **program.plain
    )
    value, gradient = sd.derive(model).function()(**parts)
    own = {
        name: _filled(name, v, {n: np.array(p) for n, p in parts.items()})
        for name, v in values.items()
    }
    expected = program.function(**own, **program.plain)
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12)
    assert set(gradient) == set(parts)
    for name, numbers in _differences(program, values, parts).items():
        np.testing.assert_allclose(gradient[name], numbers, rtol=2e-6, atol=2e-7, err_msg=name)
