"""Special functions: error and gamma functions, Bessel and Airy functions, integrals."""

from __future__ import annotations

import sympy as sp
from sympy import Expr

from symderive.formulas.functions.row import NamedFunction, known, own

ANY = (-8.0, 8.0)
NEAR = (-5.0, 5.0)
POSITIVE = (1e-3, 20.0)
UNIT = (1e-9, 1 - 1e-9)
ORDER = (0.0, 4.0)


def _digamma(x: Expr) -> Expr:
    return sp.polygamma(0, x)


def _trigamma(x: Expr) -> Expr:
    return sp.polygamma(1, x)


# fmt: off
ERROR_FUNCTIONS: tuple[NamedFunction, ...] = (
    known("erf", "x", "error function", sp.erf, partials="2*exp(-x**2)/sqrt(pi)",
          numeric="erf", samples=NEAR),
    known("erfc", "x", "complementary error function", sp.erfc,
          partials="-2*exp(-x**2)/sqrt(pi)", numeric="erfc", samples=NEAR),
    known("erfinv", "x", "inverse error function", sp.erfinv,
          partials="sqrt(pi)*exp(erfinv(x)**2)/2", numeric="erfinv", domain="-1 < x < 1",
          samples=(-1 + 1e-6, 1 - 1e-6)),
    own("erfcx", "x", "scaled complementary error function", definition="exp(x**2)*erfc(x)",
        partials="2*x*erfcx(x) - 2/sqrt(pi)", samples=NEAR),
    known("erfi", "x", "imaginary error function", sp.erfi, partials="2*exp(x**2)/sqrt(pi)",
          numeric="erfi", samples=NEAR),
    own("dawsn", "x", "Dawson's integral", definition="sqrt(pi)/2*exp(-x**2)*erfi(x)",
        partials="1 - 2*x*dawsn(x)", samples=NEAR, aliases=("dawson",), symbol="F",
        source="DLMF 7.10.3"),
    own("erfcinv", "x", "inverse complementary error function", definition="erfinv(1 - x)",
        partials="-sqrt(pi)*exp(erfcinv(x)**2)/2", domain="0 < x < 2", samples=(1e-6, 2 - 1e-6)),
    own("norm_pdf", "x", "density of the normal distribution",
        definition="exp(-x**2/2)/sqrt(2*pi)", partials="-x*norm_pdf(x)", samples=ANY,
        symbol="φ"),
    own("norm_cdf", "x", "distribution function of the normal distribution",
        definition="erfc(-x/sqrt(2))/2", partials="norm_pdf(x)", numeric="norm_cdf", samples=ANY,
        aliases=("Phi",), symbol="Φ"),
    own("norm_logcdf", "x", "logarithm of the normal distribution function",
        definition="log(norm_cdf(x))", partials="norm_pdf(x)/norm_cdf(x)", samples=ANY,
        stable="where(x > 0, log1p(-erfc(x/sqrt(2))/2), log(erfc(-x/sqrt(2))/2))"),
    own("norm_ppf", "p", "quantile function of the normal distribution",
        definition="sqrt(2)*erfinv(2*p - 1)", partials="1/norm_pdf(norm_ppf(p))",
        domain="0 < p < 1", samples=(1e-6, 1 - 1e-6), aliases=("probit",)),
)

GAMMA_FUNCTIONS: tuple[NamedFunction, ...] = (
    known("gamma", "x", "gamma function", sp.gamma, partials="gamma(x)*digamma(x)",
          numeric="gamma", domain="x > 0", samples=POSITIVE, symbol="Γ"),
    known("loggamma", "x", "logarithm of the gamma function", sp.loggamma,
          partials="digamma(x)", numeric="loggamma", domain="x > 0", samples=POSITIVE,
          aliases=("lgamma", "gammaln")),
    NamedFunction("digamma", ("x",), "digamma function", _digamma,
                  partials=("polygamma(1, x)",), domain="x > 0", samples=(POSITIVE,),
                  aliases=("psi",)),
    NamedFunction("trigamma", ("x",), "trigamma function", _trigamma,
                  partials=("polygamma(2, x)",), domain="x > 0", samples=(POSITIVE,)),
    known("polygamma", "n, x", "polygamma function", sp.polygamma,
          partials=("", "polygamma(n + 1, x)"), numeric="psi", integers="n",
          domain="n >= 0 and x > 0", samples=(ORDER, POSITIVE), symbol="ψ"),
    own("factorial", "x", "factorial", definition="gamma(x + 1)",
        partials="gamma(x + 1)*digamma(x + 1)", domain="x > -1", samples=(-0.9, 12.0)),
    known("beta", "a, b", "beta function", sp.beta,
          partials=("beta(a, b)*(digamma(a) - digamma(a + b))",
                    "beta(a, b)*(digamma(b) - digamma(a + b))"),
          numeric="beta", domain="a > 0 and b > 0", samples=((0.01, 8.0), (0.01, 8.0)),
          symbol="Β", stable="exp(lgamma(a) + lgamma(b) - lgamma(a + b))"),
    own("betaln", "a, b", "logarithm of the beta function",
        definition="loggamma(a) + loggamma(b) - loggamma(a + b)",
        partials=("digamma(a) - digamma(a + b)", "digamma(b) - digamma(a + b)"),
        domain="a > 0 and b > 0", samples=((0.01, 8.0), (0.01, 8.0)), aliases=("lbeta",)),
    known("lowergamma", "a, x", "lower incomplete gamma function", sp.lowergamma,
          partials=("", "exp(-x)*x**(a - 1)"), numeric="lowergamma",
          domain="a > 0 and x > 0", samples=((0.1, 6.0), POSITIVE), symbol="γ"),
    known("uppergamma", "a, x", "upper incomplete gamma function", sp.uppergamma,
          partials=("", "-exp(-x)*x**(a - 1)"), numeric="gammainc",
          domain="a > 0 and x > 0", samples=((0.1, 6.0), POSITIVE), symbol="Γ"),
    own("gammainc", "a, x", "regularised lower incomplete gamma function",
        definition="lowergamma(a, x)/gamma(a)",
        partials=("", "exp(-x)*x**(a - 1)/gamma(a)"),
        domain="a > 0 and x > 0", samples=((0.1, 6.0), POSITIVE), symbol="P"),
    own("gammaincc", "a, x", "regularised upper incomplete gamma function",
        definition="uppergamma(a, x)/gamma(a)",
        partials=("", "-exp(-x)*x**(a - 1)/gamma(a)"),
        domain="a > 0 and x > 0", samples=((0.1, 6.0), POSITIVE), symbol="Q"),
    own("betainc", "a, b, x", "regularised incomplete beta function",
        definition="x**a*hyp2f1(a, 1 - b, a + 1, x)/(a*beta(a, b))",
        partials=("", "", "x**(a - 1)*(1 - x)**(b - 1)/beta(a, b)"),
        domain="a > 0 and b > 0 and 0 < x < 1",
        samples=((0.3, 4.0), (0.3, 4.0), (0.01, 0.95)), symbol="I", source="DLMF 8.17.20"),
)


def _bessel(letter: str, kind: str, function: type[sp.Function], partial: str) -> NamedFunction:
    name = f"bessel{letter.lower()}"
    return known(name, "n, x", f"Bessel function {kind}", function, partials=("", partial),
                 numeric=name, integers="n", domain="x > 0", samples=(ORDER, (0.1, 20.0)),
                 symbol=letter,
                 source="DLMF 10.6.1" if letter in "JY" else "DLMF 10.29.1")


BESSEL_FUNCTIONS: tuple[NamedFunction, ...] = (
    _bessel("J", "of the first kind", sp.besselj, "(besselj(n - 1, x) - besselj(n + 1, x))/2"),
    _bessel("Y", "of the second kind", sp.bessely, "(bessely(n - 1, x) - bessely(n + 1, x))/2"),
    _bessel("I", "of the first kind, modified", sp.besseli,
            "(besseli(n - 1, x) + besseli(n + 1, x))/2"),
    _bessel("K", "of the second kind, modified", sp.besselk,
            "-(besselk(n - 1, x) + besselk(n + 1, x))/2"),
    own("spherical_jn", "n, x", "spherical Bessel function of the first kind",
        definition="sqrt(pi/(2*x))*besselj(n + 1/2, x)",
        partials=("", "n/x*spherical_jn(n, x) - spherical_jn(n + 1, x)"), integers="n",
        domain="n >= 0 and x > 0", samples=((0.0, 4.0), (0.1, 20.0)), symbol="j",
        source="DLMF 10.51.2"),
    own("spherical_yn", "n, x", "spherical Bessel function of the second kind",
        definition="sqrt(pi/(2*x))*bessely(n + 1/2, x)",
        partials=("", "n/x*spherical_yn(n, x) - spherical_yn(n + 1, x)"), integers="n",
        domain="n >= 0 and x > 0", samples=((0.0, 4.0), (0.1, 20.0)), symbol="y",
        source="DLMF 10.51.2"),
    own("struve", "n, x", "Struve function", numeric="struveh",
        partials=("", "(struve(n - 1, x) - struve(n + 1, x)"
                      " + (x/2)**n/(sqrt(pi)*gamma(n + 3/2)))/2"),
        integers="n", domain="n >= 0 and x > 0", samples=((1.0, 4.0), (0.1, 20.0)), symbol="𝐇",
        source="DLMF 11.4.28"),
    known("airyai", "x", "Airy function Ai", sp.airyai, partials="airyaiprime(x)",
          numeric="airyai", samples=NEAR, symbol="Ai"),
    known("airybi", "x", "Airy function Bi", sp.airybi, partials="airybiprime(x)",
          numeric="airybi", samples=NEAR, symbol="Bi"),
    known("airyaiprime", "x", "derivative of the Airy function Ai", sp.airyaiprime,
          partials="x*airyai(x)", numeric="airyaiprime", samples=NEAR, symbol="Ai′",
          source="DLMF 9.2.1"),
    known("airybiprime", "x", "derivative of the Airy function Bi", sp.airybiprime,
          partials="x*airybi(x)", numeric="airybiprime", samples=NEAR, symbol="Bi′",
          source="DLMF 9.2.1"),
)



def _of_low_order(s: sp.Expr, x: sp.Expr) -> sp.Expr | None:
    """The polylogarithms of orders one and zero: −log(1 − x) and x/(1 − x)."""
    return {1: -sp.log(1 - x), 0: x / (1 - x)}.get(s)


INTEGRALS: tuple[NamedFunction, ...] = (
    known("lambertw", "x", "Lambert W function", sp.LambertW,
          partials="exp(-lambertw(x))/(1 + lambertw(x))", numeric="lambertw", domain="x > -exp(-1)",
          samples=(-0.36, 20.0), aliases=("LambertW",), symbol="W",
          source="the principal branch; DLMF 4.13.4"),
    known("elliptic_k", "m", "complete elliptic integral of the first kind", sp.elliptic_k,
          partials="(elliptic_e(m) - (1 - m)*elliptic_k(m))/(2*m*(1 - m))", numeric="ellipk",
          domain="m < 1 and m != 0", samples=(0.01, 0.999), aliases=("ellipk",), symbol="K",
          source="by the parameter m = k²; DLMF 19.4.1"),
    known("elliptic_e", "m", "complete elliptic integral of the second kind", sp.elliptic_e,
          partials="(elliptic_e(m) - elliptic_k(m))/(2*m)", numeric="ellipe", aliases=("ellipe",),
          domain="m < 1 and m != 0", samples=(0.01, 0.999), symbol="E",
          source="by the parameter m = k²; DLMF 19.4.2"),
    known("elliptic_f", "phi, m", "incomplete elliptic integral of the first kind",
          sp.elliptic_f, numeric="ellipf", domain="m < 1 and m != 0",
          partials=("1/sqrt(1 - m*sin(phi)**2)",
                    "ellipeinc(phi, m)/(2*m*(1 - m)) - elliptic_f(phi, m)/(2*m)"
                    " - sin(2*phi)/(4*(1 - m)*sqrt(1 - m*sin(phi)**2))"),
          samples=((-1.4, 1.4), (0.01, 0.9)), aliases=("ellipkinc",), symbol="F",
          source="by the parameter m = k²; DLMF 19.4.5"),
    own("ellipeinc", "phi, m", "incomplete elliptic integral of the second kind",
        numeric="ellipe", domain="m < 1 and m != 0",
        partials=("sqrt(1 - m*sin(phi)**2)",
                  "(ellipeinc(phi, m) - elliptic_f(phi, m))/(2*m)"),
        samples=((-1.4, 1.4), (0.01, 0.9)), symbol="E",
        source="by the parameter m = k²; DLMF 19.4.6"),
    known("elliptic_pi", "n, m", "complete elliptic integral of the third kind", sp.elliptic_pi,
          partials=("(elliptic_e(m)/(m - n) + elliptic_k(m)/n + (n**2 - m)*elliptic_pi(n, m)"
                    "/(n*(m - n)))/(2*(n - 1))",
                    "(elliptic_e(m)/(m - 1) + elliptic_pi(n, m))/(2*(n - m))"),
          numeric="ellippi", domain="m < 1 and n < 1 and n != 0 and n != m",
          samples=((-3.0, -0.05), (0.01, 0.95)), symbol="Π",
          source="by the parameter m = k²; DLMF 19.4"),
    own("E1", "x", "exponential integral E₁", definition="expint(1, x)", partials="-exp(-x)/x",
        domain="x > 0", samples=POSITIVE, aliases=("exp1",), symbol="E₁", source="DLMF 6.2.1"),
    known("Ei", "x", "exponential integral", sp.Ei, partials="exp(x)/x", numeric="ei",
          domain="x != 0", samples=ANY, aliases=("expi",)),
    known("expint", "n, x", "generalised exponential integral", sp.expint,
          partials=("", "-expint(n - 1, x)"), numeric="expint", integers="n",
          domain="n >= 1 and x > 0", samples=((1.0, 4.0), POSITIVE), aliases=("expn",),
          symbol="E", source="DLMF 8.19.13"),
    known("Si", "x", "sine integral", sp.Si, partials="sin(x)/x", numeric="si",
          domain="x != 0", samples=ANY),
    known("Ci", "x", "cosine integral", sp.Ci, partials="cos(x)/x", numeric="ci",
          domain="x > 0", samples=POSITIVE),
    known("Shi", "x", "hyperbolic sine integral", sp.Shi, partials="sinh(x)/x",
          numeric="shi", domain="x != 0", samples=ANY),
    known("Chi", "x", "hyperbolic cosine integral", sp.Chi, partials="cosh(x)/x",
          numeric="chi", domain="x > 0", samples=(1e-3, 8.0)),
    known("li", "x", "logarithmic integral", sp.li, partials="1/log(x)", numeric="li",
          domain="x > 1", samples=(1.01, 20.0)),
    known("fresnels", "x", "Fresnel sine integral", sp.fresnels,
          partials="sin(pi*x**2/2)", numeric="fresnels", samples=NEAR, symbol="S"),
    known("fresnelc", "x", "Fresnel cosine integral", sp.fresnelc,
          partials="cos(pi*x**2/2)", numeric="fresnelc", samples=NEAR, symbol="C"),
    known("zeta", "s, a=1", "zeta function", sp.zeta, partials=("", "-s*zeta(s + 1, a)"),
          numeric="zeta", domain="s > 1 and a > 0", samples=((1.5, 8.0), (0.5, 4.0)),
          symbol="ζ", source="DLMF 25.11.17"),
    own("polylog", "s, x", "polylogarithm", partials=("", "polylog(s - 1, x)/x"),
          elementary=_of_low_order, numeric="polylog", integers="s", domain="-1 < x < 1 and x != 0",
          samples=((2.0, 4.0), (0.01, 0.9)), symbol="Li", source="DLMF 25.12.11"),
)
# fmt: on

ROWS = (*ERROR_FUNCTIONS, *GAMMA_FUNCTIONS, *BESSEL_FUNCTIONS, *INTEGRALS)
