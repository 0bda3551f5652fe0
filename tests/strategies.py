"""Random formulas, deep and wide, over names and the functions of the table."""

from hypothesis import strategies as st

NAMES = ("x", "y", "z")
SMOOTH = ("exp", "sin", "cos", "tanh", "sigmoid", "softplus", "atan", "erf", "asinh", "silu")
POSITIVE = ("log", "sqrt", "gamma")
KINKED = ("relu", "abs", "elu", "hardtanh", "sign")


def _positive(text: str) -> str:
    return f"(1 + ({text})**2)"


def formulas(*, kinks: bool = True, leaves: int = 8) -> st.SearchStrategy[str]:
    """Formula text whose value and derivative are real numbers almost everywhere."""
    atoms = st.one_of(
        st.sampled_from(NAMES),
        st.integers(1, 9).map(str),
        st.tuples(st.integers(1, 9), st.integers(2, 5)).map(lambda q: f"({q[0]}/{q[1]})"),
    )
    calls = SMOOTH + (KINKED if kinks else ())

    def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        pair = st.tuples(inner, inner)
        return st.one_of(
            pair.map(lambda p: f"({p[0]} + {p[1]})"),
            pair.map(lambda p: f"({p[0]} - {p[1]})"),
            pair.map(lambda p: f"{p[0]}*{p[1]}"),
            pair.map(lambda p: f"{p[0]}/{_positive(p[1])}"),
            st.tuples(inner, st.integers(2, 4)).map(lambda p: f"({p[0]})**{p[1]}"),
            st.tuples(st.sampled_from(calls), inner).map(lambda p: f"{p[0]}({p[1]})"),
            st.tuples(st.sampled_from(POSITIVE), inner).map(lambda p: f"{p[0]}{_positive(p[1])}"),
            pair.map(lambda p: f"{_positive(p[0])}**sin({p[1]})"),
        )

    return st.recursive(atoms, grown, max_leaves=leaves)
