"""Where the members of a reward model's ensemble disagree.

Members share all but their heads and the labels that they drew, and so share most errors: their
agreement proves nothing, their disagreement says that the score is a guess (Coste et al. 2023,
arXiv:2310.02743; Eisenstein et al. 2023, arXiv:2312.09244).

Shapes: N = comparisons, K = samples in the largest, F = samples of all, M = members.
"""

import numpy as np
from jaxtyping import Float

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.trust import EnsembleValidationFigures
from prefloop.rewards.trust import vote_credit, wilson_share


def ensemble_figures(
    scores: Float[np.ndarray, "N K"],
    members: Float[np.ndarray, "F M"],
    targets: Float[np.ndarray, "N K"],
) -> EnsembleValidationFigures | None:
    """Return how often members choose differently, and what the score is worth there.

    `scores` and `targets` as in `validation_figures`; `members` have a row for each sample that is
    there. None for a head alone.
    """
    if members.shape[1] == 1:
        return None
    exists = ~np.isnan(scores)
    votes = np.where(exists, np.nan_to_num(targets), 0.0)
    said = np.full((members.shape[1], *scores.shape), -np.inf)
    said[:, exists] = members.T
    first = said.argmax(axis=2)
    differ = (first != first[0]).any(axis=0)
    credit = vote_credit(np.where(exists, scores, -np.inf), votes)
    return EnsembleValidationFigures(
        disagree=wilson_share(differ.astype(float)),
        where_agreed=_share_of(credit[~differ]),
        where_not=_share_of(credit[differ]),
        members=tuple(float(vote_credit(own, votes).mean()) for own in said),
    )


def _share_of(credit: Float[np.ndarray, " N"]) -> EstimateFigure | None:
    return wilson_share(credit) if len(credit) else None
