"""Mistakes that curves of over-optimization are made with. The package imports none."""

import numpy as np

from prefloop.functional.overoptimization import fit_gao, gao_curve, peak_kl


def curve_in_the_kl(form, kl_nats, alpha, beta):
    """d taken for the KL itself, not for its root."""
    return gao_curve(form, kl_nats**2, alpha, beta)


def curve_of_the_other_form(form, kl_nats, alpha, beta):
    """The form of best of n for RL, and the other way round."""
    return gao_curve("rl" if form == "best_of_n" else "best_of_n", kl_nats, alpha, beta)


def fit_with_the_sign_lost(form, kl_nats, gains):
    """R = d (alpha + beta d): the score seems to bend upwards."""
    alpha, beta = fit_gao(form, kl_nats, gains)
    return alpha, -beta


def peak_where_the_score_is_zero(form, alpha, beta, *, largest_kl):
    """The far end of the hill for its top: d = alpha / beta, d = exp(alpha / beta)."""
    factor = 4.0 if form == "best_of_n" else np.exp(2.0)
    return factor * peak_kl(form, alpha, beta, largest_kl=largest_kl)


def peak_as_a_root(form, alpha, beta, *, largest_kl):
    """d itself, not its square, given for nats."""
    return np.sqrt(peak_kl(form, alpha, beta, largest_kl=largest_kl))
