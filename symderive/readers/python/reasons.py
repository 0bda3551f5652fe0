"""Why functions of NumPy and SciPy have no formula, and what to write instead, a row each."""

from __future__ import annotations

from collections.abc import Mapping

_ORDER = "the order of entries depends on their values; np.sort and np.quantile have formulas"
_PLACES = "it gives places, which have no derivative"
_COUNTS = "it counts, and a count has no derivative"
_COMPLEX = (
    "its values are complex numbers; write the transform with np.cos and np.sin, as in "
    "np.cos(2*np.pi*np.outer(k, n)/N) @ x"
)
_DECIDES = "it decides by values; use np.where for a choice"

# fmt: off
REASONS: Mapping[str, str] = {
    **dict.fromkeys(("lexsort", "argpartition", "nanargmax", "nanargmin"), _PLACES),
    **dict.fromkeys(("nonzero", "argwhere", "flatnonzero", "digitize"), _PLACES),
    **dict.fromkeys(("nanpercentile", "nanquantile"), _ORDER),
    **dict.fromkeys(("array_equal", "isin"), _DECIDES),
    **dict.fromkeys(("histogram", "bincount", "histogram2d"), _COUNTS),
    "unique": "the number of its entries depends on values; pass the distinct values as an "
              "argument",
    "roots": "the order of the roots depends on values; write the formula of the one you need",
    "unwrap": "where it adds a turn depends on values",
    "fft": _COMPLEX,
    "linalg.eig": "eigenvalues of a matrix that is not symmetric may be complex; "
                  "np.linalg.eigvalsh and np.linalg.eigh, of symmetric ones, have formulas",
    "linalg.eigvals": "they may be complex; np.linalg.eigvalsh, of symmetric matrices, has a "
                      "formula",
    "linalg.svd": "the signs of its vectors depend on values; np.linalg.svd(A, compute_uv=False) "
                  "has a formula, and np.linalg.eigh(A.T @ A) gives vectors",
    "linalg.qr": "the signs of its factors depend on values; np.linalg.cholesky(A.T @ A).T is R "
                 "with a positive diagonal",
    "linalg.matrix_rank": _COUNTS,
    "scipy.optimize": "it goes on until a test on values is passed; write a fixed number of "
                      "Newton's steps in a loop, or pass the solution as an argument",
    "scipy.integrate": "it chooses its points by values; write a rule with fixed ones, such as "
                       "np.trapezoid(f(x), x), or steps of Euler or Runge and Kutta in a loop",
    "scipy.interpolate": "it makes a table of plain numbers; np.interp has a formula, as has a "
                         "product with a matrix of basis functions",
    "scipy.signal": "it takes plain numbers; np.convolve has a formula, as has the recurrence in "
                    "a loop",
    "scipy.stats.linregress": "its slope is np.cov(x, y)[0, 1]/np.var(x, ddof=1), its intercept "
                              "np.mean(y) - slope*np.mean(x)",
    "scipy.ndimage": "it takes plain numbers; np.convolve and sums of slices have formulas",
    "scipy.fft": _COMPLEX,
    "scipy.sparse": "it takes plain numbers; use plain arrays",
    "scipy.spatial": "it takes plain numbers; write distances as "
                     "np.sqrt(((X[:, None] - Y[None])**2).sum(-1))",
    "scipy.linalg": "it takes plain numbers; functions of numpy.linalg have formulas",
}
# fmt: on
"""By the name of a function, or of the module that it is in."""

IN_A_LIBRARY = "it takes plain numbers; write it with functions of NumPy that are known"


def reason(name: str) -> str:
    """Why a function has no formula; "" where no row says so.

    >>> reason("scipy.optimize.brentq")[:37]
    'it goes on until a test on values is '
    """
    bare = name.removeprefix("numpy.")
    parts = bare.split(".")
    known = (".".join(parts[:k]) for k in range(len(parts), 0, -1))
    return next((REASONS[each] for each in known if each in REASONS), "")
