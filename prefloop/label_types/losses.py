"""The table of losses, by the names that label types give. It alone of the tables needs torch."""

from prefloop.label_types.best_of_k.loss import LOSS as BEST_OF_K
from prefloop.label_types.preference_loss import PreferenceLoss
from prefloop.label_types.ranking.loss import LOSS as PLACKETT_LUCE

LOSSES: dict[str, PreferenceLoss] = {"best_of_k": BEST_OF_K, "plackett_luce": PLACKETT_LUCE}
