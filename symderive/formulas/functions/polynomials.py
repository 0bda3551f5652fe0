"""Orthogonal polynomials and the hypergeometric functions that they come from."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from symderive.formulas.functions.row import NamedFunction, known, own

ORDER = (1.0, 5.0)
INSIDE = (-0.99, 0.99)
FIXED = {"integers": "n", "domain": "n >= 0"}


def _of_fixed_order(function: type[sp.Function]) -> Callable[..., sp.Expr | None]:
    """Writes a function out whose first arguments are given whole numbers; else None."""

    def written(*args: sp.Expr) -> sp.Expr | None:
        orders = args[:-1]
        fixed = all(order.is_Integer and 0 <= order <= orders[0] for order in orders)
        return function(*args) if fixed else None

    return written


# fmt: off
ROWS: tuple[NamedFunction, ...] = (
    known("legendre", "n, x", "Legendre polynomial", sp.legendre,
          partials=("", "n*(x*legendre(n, x) - legendre(n - 1, x))/(x**2 - 1)"),
          numeric="legendre", integers="n", domain="n >= 0 and x**2 != 1",
          samples=(ORDER, INSIDE), symbol="P", source="DLMF 18.9.17", aliases=("eval_legendre",)),
    known("chebyshevt", "n, x", "Chebyshev polynomial of the first kind", sp.chebyshevt,
          partials=("", "n*chebyshevu(n - 1, x)"), numeric="chebyt", **FIXED,
          samples=(ORDER, INSIDE), symbol="T", source="DLMF 18.9.21", aliases=("eval_chebyt",)),
    known("chebyshevu", "n, x", "Chebyshev polynomial of the second kind", sp.chebyshevu,
          partials=("", "((n + 1)*chebyshevt(n + 1, x) - x*chebyshevu(n, x))/(x**2 - 1)"),
          numeric="chebyu", integers="n", domain="n >= 0 and x**2 != 1",
          samples=(ORDER, INSIDE), symbol="U", source="DLMF 18.9.22", aliases=("eval_chebyu",)),
    known("hermite", "n, x", "Hermite polynomial", sp.hermite,
          partials=("", "2*n*hermite(n - 1, x)"), numeric="hermite", **FIXED,
          samples=(ORDER, (-3.0, 3.0)), symbol="H", source="the physicists' Hₙ; DLMF 18.9.25",
          aliases=("eval_hermite",)),
    own("hermite_prob", "n, x", "Hermite polynomial of probability theory",
        elementary=_of_fixed_order(sp.hermite_prob),
        definition="2**(-n/2)*hermite(n, x/sqrt(2))", partials=("", "n*hermite_prob(n - 1, x)"),
        **FIXED, samples=(ORDER, (-3.0, 3.0)), symbol="He", source="DLMF 18.7.11 and 18.9.27",
        aliases=("eval_hermitenorm",)),
    own("assoc_legendre", "n, m, x", "associated Legendre function",
        elementary=_of_fixed_order(sp.assoc_legendre),
        partials=("", "", "(n*x*assoc_legendre(n, m, x) - (n + m)*assoc_legendre(n - 1, m, x))"
                          "/(x**2 - 1)"),
        numeric="legenp", integers=("n", "m"), domain="n >= 0 and m >= 0 and -1 < x < 1",
        samples=(ORDER, (0.0, 1.0), INSIDE), symbol="P",
        source="with the sign (−1)ᵐ; DLMF 14.10.5"),
    known("assoc_laguerre", "n, a, x", "generalised Laguerre polynomial", sp.assoc_laguerre,
          partials=("", "", "-assoc_laguerre(n - 1, a + 1, x)"), numeric="laguerre",
          integers="n", domain="n >= 0 and a > -1", samples=(ORDER, (0.1, 3.0), (0.1, 8.0)),
          symbol="L", source="DLMF 18.9.23", aliases=("eval_genlaguerre",)),
    own("laguerre", "n, x", "Laguerre polynomial", elementary=_of_fixed_order(sp.laguerre),
          partials=("", "n*(laguerre(n, x) - laguerre(n - 1, x))/x"), numeric="laguerre_0",
          integers="n", domain="n >= 0 and x != 0", samples=(ORDER, (0.1, 8.0)), symbol="L",
          source="DLMF 18.9.14 and 18.9.23", aliases=("eval_laguerre",)),
    known("gegenbauer", "n, a, x", "Gegenbauer polynomial", sp.gegenbauer,
          partials=("", "", "2*a*gegenbauer(n - 1, a + 1, x)"), numeric="gegenbauer",
          integers="n", domain="n >= 0 and a > 0", samples=(ORDER, (0.3, 3.0), INSIDE),
          symbol="C", source="DLMF 18.9.19", aliases=("eval_gegenbauer",)),
    known("jacobi", "n, a, b, x", "Jacobi polynomial", sp.jacobi,
          partials=("", "", "", "(n + a + b + 1)/2*jacobi(n - 1, a + 1, b + 1, x)"),
          numeric="jacobi", integers="n", domain="n >= 0 and a > -1 and b > -1",
          samples=(ORDER, (0.3, 3.0), (0.3, 3.0), INSIDE), symbol="P", source="DLMF 18.9.15",
          aliases=("eval_jacobi",)),
    own("hyp0f1", "b, x", "confluent hypergeometric limit function",
        partials=("", "hyp0f1(b + 1, x)/b"), numeric="hyp0f1", domain="b > 0",
        samples=((0.3, 4.0), (-4.0, 4.0)), symbol="₀F₁", source="DLMF 16.3.1"),
    own("hyp1f1", "a, b, x", "confluent hypergeometric function of Kummer",
        partials=("", "", "a/b*hyp1f1(a + 1, b + 1, x)"), numeric="hyp1f1", domain="b > 0",
        samples=((0.3, 4.0), (0.3, 4.0), (-4.0, 4.0)), symbol="₁F₁", source="DLMF 13.3.15"),
    own("hyp2f1", "a, b, c, x", "hypergeometric function of Gauss",
        partials=("", "", "", "a*b/c*hyp2f1(a + 1, b + 1, c + 1, x)"), numeric="hyp2f1",
        domain="c > 0 and x < 1", samples=((0.3, 3.0), (0.3, 3.0), (0.5, 4.0), (-0.9, 0.9)),
        symbol="₂F₁", source="DLMF 15.5.1"),
)
# fmt: on
