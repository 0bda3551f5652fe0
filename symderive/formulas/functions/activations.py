"""Activation functions of neural networks."""

from __future__ import annotations

from symderive.formulas.functions.row import Kink, NamedFunction, own

ANY = (-40.0, 40.0)

ROWS: tuple[NamedFunction, ...] = (
    own("sigmoid", "z", "logistic sigmoid", definition="1/(1 + exp(-z))",
        partials="sigmoid(z)*(1 - sigmoid(z))", samples=ANY, symbol="σ", aliases=("expit", "logistic"),
        stable="where(z >= 0, 1, exp(-abs(z)))/(1 + exp(-abs(z)))"),
    own("relu", "z", "rectified linear unit", definition="max(z, 0)",
        partials="where(z > 0, 1, 0)", samples=ANY, symbol="ReLU",
        kinks=Kink("z == 0", "the derivative is taken as 0, as TensorFlow, PyTorch and JAX do.")),
    own("softplus", "z, beta=1", "softplus", definition="log(1 + exp(beta*z))/beta",
        partials=("sigmoid(beta*z)", "z*sigmoid(beta*z)/beta - softplus(z, beta)/beta"),
        domain="beta > 0", samples=(ANY, (0.5, 3.0)),
        stable="max(z, 0) + log1p(exp(-abs(beta*z)))/beta"),
)
