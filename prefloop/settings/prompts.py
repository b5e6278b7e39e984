"""Where prompts come from."""

from typing import Self

from pydantic import ValidationInfo, model_validator

from prefloop.settings.section import Count, Fraction, Section, refuse


class PromptsConfig(Section):
    """Where prompts come from and how they are divided."""

    source: str = "builtin:fiction"
    """`builtin:fiction`, or the path of a text file (one prompt a line), of a JSON, CSV or Parquet
    file, or of a folder that `datasets` saved."""

    text_column: str = "text"
    """The column or key that holds the prompt."""

    reference_column: str | None = None
    """The column or key that holds a human answer, for ROUGE; `null` if there is none."""

    limit: Count | None = None
    """Use at most this many prompts; `null` uses all."""

    held_out_share: Fraction = 0.1
    """Share of prompts, by hash of their text, that only the evaluation sees."""

    validation_share: Fraction = 0.1
    """Share of prompts, by hash of their text, whose labels measure the reward model."""

    @model_validator(mode="after")
    def _shares_leave_prompts_to_train_on(self, info: ValidationInfo) -> Self:
        if self.held_out_share + self.validation_share >= 1:
            refuse(
                [
                    f"held_out_share {self.held_out_share:g} and validation_share "
                    f"{self.validation_share:g} leave no prompts to train on: their sum must be "
                    "below 1"
                ],
                info,
            )
        return self
