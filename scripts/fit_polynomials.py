#!/usr/bin/env python3
"""Fits the minimax polynomials of src/nn/kernels/math.inc and prints their float32 coefficients (NumPy, SciPy).

erf(x / sqrt 2) / x over u = 2 x^2 / 5.3^2 - 1, degree 14, lowest first: the error of erf is below 4e-8 on |x| <= 5.3,
beyond which 1 - erf is below float32's last place.
(2^f - 1) / f on |f| <= 1/2, degree 4, lowest first.
"""
import numpy as np
from scipy.special import erf


def minimax(basis, target, weight, rounds=200):
    """Lawson's iteration: least squares, reweighted until the largest weighted error is as small as it gets."""
    importance = np.ones(len(target))
    for _ in range(rounds):
        scale = np.sqrt(importance) * weight
        coefficients, *_ = np.linalg.lstsq(basis * scale[:, None], target * scale, rcond=None)
        error = np.abs((basis @ coefficients - target) * weight)
        importance *= error / error.max() + 1e-12
        importance /= importance.sum()
    return coefficients, error.max()


def show(name, coefficients, error):
    print(name, "largest error", error)
    for value in coefficients:
        print("  ", repr(float(np.float32(value))))


def main():
    limit, nodes = 5.3, 4000
    square = (1 - np.cos(np.linspace(0, np.pi, nodes))) / 2 * limit**2
    x = np.sqrt(square)
    target = np.where(x > 1e-9, erf(x / np.sqrt(2)) / np.maximum(x, 1e-300), np.sqrt(2 / np.pi))
    chebyshev = np.polynomial.chebyshev.chebvander(square / (limit**2 / 2) - 1, 14)
    coefficients, error = minimax(chebyshev, target, np.maximum(x, 0.05))
    show("erf", np.polynomial.chebyshev.cheb2poly(coefficients), error)

    f = np.cos(np.linspace(0, np.pi, nodes)) / 2
    basis = np.vander(f, 6, increasing=True)[:, 1:]
    show("exp2", *minimax(basis, 2**f - 1, 2**-f))


if __name__ == "__main__":
    main()
