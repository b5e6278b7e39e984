"""The answer names the better of two samples (Christiano et al. 2017, arXiv:1706.03741).

A pair is best of two: its target is the same, and for two samples the best-of-k loss is that of
Bradley and Terry. Only the number of samples and the labeling page differ.
"""

from prefloop.label_types.best_of_k.type import BestOfK

PAIRS = BestOfK(name="pairs", description="the better of two samples", sizes=range(2, 3))
