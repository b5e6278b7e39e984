"""The loss of a choice of the best sample."""

from prefloop.functional.preference_loss import best_of_k_accuracy, best_of_k_loss
from prefloop.label_types.preference_loss import PreferenceLoss

LOSS = PreferenceLoss(loss=best_of_k_loss, accuracy=best_of_k_accuracy)
