"""The loss of an order of all samples."""

from prefloop.functional.preference_loss import plackett_luce_accuracy, plackett_luce_loss
from prefloop.label_types.preference_loss import PreferenceLoss

LOSS = PreferenceLoss(loss=plackett_luce_loss, accuracy=plackett_luce_accuracy)
