"""What a transformer costs: parameters, operations of a pass, bytes of a role, seconds of a step.

An operation is one multiplication or one addition. All are counts from a model's shape; what a
machine makes of them is measured by `bench/scaling.py`.
"""

from dataclasses import dataclass

FORWARD = 2.0
"""Operations per weight and token of a forward pass (Kaplan et al. 2020, arXiv:2001.08361, 2.1)."""

TRAINED = {"none": 3.0, "lora": 2.0}
"""Forward passes that one forward and one backward pass cost, by `models.adapter`.

A backward pass has a product for the gradient of a layer's input, and one for that of its weights
(Kaplan et al. 2020, 2.1). Weights under an adapter are frozen and need none of the latter."""

MOMENTS = 2
"""Numbers that Adam keeps of a weight from step to step."""

PER_TRAINED = 2 + MOMENTS
"""Numbers held for a weight in training: itself, its gradient, Adam's two moments."""


@dataclass(frozen=True, kw_only=True)
class TransformerShape:
    """The sizes of a decoder as GPT-2 has it, or (`is_gated`) as Llama has it."""

    layers: int
    width: int
    inner: int
    """Width inside the feed-forward part."""
    heads: int
    kv_heads: int
    """Heads that keys and values have; as many as `heads` without grouped-query attention."""
    vocabulary: int
    positions: int = 0
    """Learned positions; 0 where positions are rotations."""
    is_gated: bool = False
    """Llama: three matrices in the feed-forward part, no biases, an LM head of its own.
    Else GPT-2: two matrices, biases, and the LM head is the table of tokens."""

    @property
    def kv_width(self) -> int:
        """Width of a token's keys, and of its values."""
        return self.width * self.kv_heads // self.heads

    @property
    def layer_weights(self) -> int:
        """Weights of a layer that are multiplied: attention and feed-forward matrices."""
        attention = 2 * self.width * (self.width + self.kv_width)
        return attention + (3 if self.is_gated else 2) * self.width * self.inner

    @property
    def trunk_weights(self) -> int:
        """Weights that every token is multiplied with; the LM head is not among them."""
        return self.layers * self.layer_weights

    @property
    def head_weights(self) -> int:
        """Weights of the LM head, which is run on the tokens of responses."""
        return self.vocabulary * self.width

    @property
    def parameters(self) -> int:
        """All numbers of the model, biases and norms included."""
        norm = self.width if self.is_gated else 2 * self.width
        biases = (
            0 if self.is_gated else 2 * self.width + 2 * self.kv_width + self.inner + self.width
        )
        layers = self.layers * (self.layer_weights + biases + 2 * norm)
        tables = self.head_weights * (2 if self.is_gated else 1) + self.positions * self.width
        return layers + tables + norm


def forward_operations(
    shape: TransformerShape, *, tokens: float, head_tokens: float, context: float
) -> float:
    """Return the operations of reading `tokens`, each with a mean `context` of tokens to look at.

        2 N n + 2 V d n_head + 4 L d n c

    N trunk weights, V d those of the LM head, which is run on `head_tokens` of them. The last term
    is the two products of attention, scores and their mean of the values: Chowdhery et al. 2022,
    arXiv:2204.02311, appendix B, whose 12 L H Q T is that of a forward and a backward pass.
    """
    attention = 4.0 * shape.layers * shape.width * tokens * context
    head = FORWARD * shape.head_weights * head_tokens
    return FORWARD * shape.trunk_weights * tokens + head + attention


def drawn_tokens(*, query: float, response: float, responses: int) -> float:
    """Return the tokens of drawing so many responses to a query, which is read once."""
    return query + responses * response


def question_tokens(*, query: float, response: float, responses: int) -> float:
    """Return the tokens that are read of a query and the responses to it: the query once.

    A class that cannot read responses in one row (`models/shared_query.py`) reads it with each.
    """
    return query + responses * response


def kv_cache_bytes(shape: TransformerShape, *, number_bytes: int) -> int:
    """Return the bytes of the cache per token: keys and values of every layer.

    Kwon et al. 2023, arXiv:2309.06180, section 3: 800 KB of OPT-13B in 2-byte numbers.
    """
    return 2 * shape.layers * shape.kv_width * number_bytes


def role_numbers(*, adapter: str, rounds: int = 1) -> int:
    """Return the most numbers held for each weight by policy, reference and reward model together.

    `none`: two weights, and what the copy in training holds; policy and reward model take turns.
    From the second round on the policy's moments stay while the reward model is trained. `lora`:
    one frozen weight that all share; the adapters, some 1 % of it, come on top.
    """
    if adapter == "lora":
        return 1
    return 2 + PER_TRAINED + (MOMENTS if rounds > 1 else 0)


def adapter_weights(shape: TransformerShape, *, rank: int) -> int:
    """Return the weights of low-rank adapters on every matrix of a layer: r (in + out) for each.

    Hu et al. 2021, arXiv:2106.09685, section 4.1. GPT-2 has one for queries, keys and values.
    """
    d, kv = shape.width, shape.kv_width
    attention = 4 * d + 2 * (d + kv) if shape.is_gated else 2 * d + 2 * kv + 2 * d
    return shape.layers * rank * (attention + (3 if shape.is_gated else 2) * (d + shape.inner))


def activation_numbers(shape: TransformerShape) -> int:
    """Return the numbers that a layer keeps per token for the backward pass.

    Korthikanti et al. 2022, arXiv:2205.05198, section 4.1: 34 bytes s b h, less the masks of its
    two dropouts (2 bytes), as nothing is dropped here, and without the matrix of scores (5 a s b),
    which a fused attention does not keep. A gated layer keeps both products and what they make.
    """
    attention = 6 * shape.width + 2 * shape.kv_width
    return attention + (4 if shape.is_gated else 2) * shape.inner


def step_seconds(*, operations: float, moved_bytes: float, rate: float, bandwidth: float) -> float:
    """Return the least seconds of a step that computes and reads memory at the same time.

        max(operations / rate, bytes / bandwidth)

    Williams, Waterman, Patterson 2009, CACM 52(4):65, the roofline. A step that draws one token of
    each response reads every weight and the whole cache once.
    """
    return max(operations / rate, moved_bytes / bandwidth)
