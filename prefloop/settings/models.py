"""Which language model, and how its four roles share it."""

from typing import Annotated, Literal

from pydantic import Field

from prefloop.settings.section import Count, Section

Threads = Annotated[int, Field(gt=0, le=1024)]
"""Threads of a process; where a system gives no more, the process dies without a word."""


class ModelsConfig(Section):
    """Which language model is tuned, and which of its weights are trained."""

    name: str = "smollm2"
    """`smollm2`, `builtin:tiny`, a Hugging Face hub name such as `gpt2-large`, or a folder."""

    beginning_of_text: bool = True
    """Whether queries, and what the reward model reads, begin with the token that the tokenizer's
    own template puts first (BOS). GPT-2's and SmolLM2's put none."""

    adapter: Literal["lora", "none"] = "lora"
    """`lora`: policy, value head, reward model and reference share one frozen base. `none`: full
    copies, as in 2019."""

    lora_rank: Count = 8
    """Rank of the trained low-rank updates."""

    lora_alpha: Count = 16
    """Their scale: an update is multiplied by `lora_alpha / lora_rank`."""

    lora_top_layers: Count | None = None
    """Train only this many layers nearest the output; `null` trains all. Fewer is faster."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where the models are. `auto`: `cuda` where there is one, else `mps`, else `cpu`."""

    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Floating-point type of the layers. `auto`: `bfloat16` on a `cuda` that has it, else
    `float32`. Trained weights, heads, log-probabilities and losses are always `float32`."""

    threads: Threads | None = None
    """CPU threads of torch; `null` leaves torch's choice. With 1 a run repeats bit for bit."""

    @property
    def is_rounded(self) -> bool:
        """Whether a run file asks for layers that round; `auto` is not decided here."""
        return self.dtype == "bfloat16"
