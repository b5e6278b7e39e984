"""What the count of docs/scaling.md says for accelerators that nobody here has: all computed."""

from dataclasses import dataclass, replace

from docs.markdown import markdown_table
from prefloop.figures.text import fixed
from prefloop.functional.model_cost import (
    FORWARD,
    TransformerShape,
    activation_numbers,
    adapter_weights,
    forward_operations,
    kv_cache_bytes,
    question_tokens,
    role_numbers,
    step_seconds,
)
from prefloop.run.plan_time import StageTokens, text_tokens, workload_of
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig

GB = 1e9
FLOAT32, BFLOAT16 = 4, 2
SHARES = (0.2, 0.5)
"""Least and most of the data sheet's rate that a pass uses; assumed.

Training in large clusters reaches 0.46 (Chowdhery et al. 2022, arXiv:2204.02311, table 3) and 0.38
to 0.43 (Llama team 2024, arXiv:2407.21783, table 4); small batches reach less."""
ROOM = 0.9
"""Share of a device's memory that a run may fill; fragments and the driver take the rest."""
COUNTS = (1, 8, 64)
RANK = 8
MICROBATCH = 8


@dataclass(frozen=True, kw_only=True)
class Accelerator:
    """What a data sheet says of a device."""

    name: str
    rate: float
    """Operations a second of dense bfloat16 products."""
    memory: float
    """Bytes."""
    bandwidth: float
    """Bytes a second from and to its memory."""
    link: float
    """Bytes a second to another device of the same machine, one way."""
    network: float
    """Bytes a second to another machine, one way."""


H100 = Accelerator(
    name="H100", rate=989e12, memory=80 * GB, bandwidth=3.35e12, link=450 * GB, network=50 * GB
)
"""NVIDIA H100 SXM, data sheet: 1,979e12 with sparsity, half of it without; 900 GB/s of NVLink both
ways. `network`: one port of 400 Gb/s a device, as in NVIDIA's DGX H100."""
A100 = Accelerator(
    name="A100", rate=312e12, memory=80 * GB, bandwidth=2.039e12, link=300 * GB, network=25 * GB
)
"""NVIDIA A100 80 GB SXM, data sheet; 600 GB/s of NVLink. `network`: 200 Gb/s, as in a DGX A100."""

MODELS = {
    "774M (GPT-2 large)": TransformerShape(
        layers=36,
        width=1280,
        inner=5120,
        heads=20,
        kv_heads=20,
        vocabulary=50257,
        positions=1024,
    ),
    "7B (Llama 2)": TransformerShape(
        layers=32,
        width=4096,
        inner=11008,
        heads=32,
        kv_heads=32,
        vocabulary=32000,
        is_gated=True,
    ),
    "70B (Llama 2)": TransformerShape(
        layers=80,
        width=8192,
        inner=28672,
        heads=64,
        kv_heads=8,
        vocabulary=32000,
        is_gated=True,
    ),
}
ADAPTERS = {"none": "full copies", "lora": "adapters"}


def paper_run(adapter: str) -> RunConfig:
    """Return the paper's summarization with 60,000 labels, its queries as full as they may be.

    Ziegler et al. 2019, section 2.2: 2,000,000 episodes in batches of 512, four epochs, one
    minibatch; reward batches of 32; queries of 500 tokens, responses of 75.
    """
    return parse_run(
        {
            "recipe": "ziegler2019",
            "task": {"name": "summarization", "query_tokens_min": 500, "query_tokens_max": 500},
            "models": {"adapter": adapter, "lora_rank": RANK, "dtype": "bfloat16"},
            "comparisons": {"labelers": "people", "labels": 60_000, "validation_labels": 0},
            "rewards": {"batch_size": 32},
            "policy": {"episodes": 512 * 3907, "batch_size": 512, "microbatch_size": MICROBATCH},
            "evaluation": {"judges": [], "frontier_prompts": 0},
        },
        "run.yaml",
    )


def weight_bytes(adapter: str) -> int:
    """Return the bytes of a weight that a pass reads: trained ones stay in float32."""
    return FLOAT32 if adapter == "none" else BFLOAT16


def held_bytes(shape: TransformerShape, adapter: str) -> float:
    """Return the bytes of weights, gradients and moments in the process that takes the steps.

    Trained weights are rounded for products in bfloat16, and a backward pass needs them so again.
    """
    own = shape.parameters * weight_bytes(adapter) * role_numbers(adapter=adapter)
    if adapter == "none":
        return own + BFLOAT16 * shape.parameters
    adapters = adapter_weights(shape, rank=RANK)
    return own + FLOAT32 * adapters * (role_numbers(adapter="none") - 1)


def needed_bytes(shape: TransformerShape, adapter: str, n: int) -> float:
    """Return what process 0 needs: what it holds, and the larger of cache and activations."""
    config = paper_run(adapter)
    policy, rewards, samples = config.policy, config.rewards, config.samples
    query, response = text_tokens(config)
    text = query + response
    question = question_tokens(query=query, response=response, responses=samples.per_prompt)
    drawn = max(policy.batch_size / n, samples.batch_size)
    cache = drawn * text * kv_cache_bytes(shape, number_bytes=BFLOAT16)
    kept = max(
        min(MICROBATCH, policy.batch_size // n) * text,
        min(rewards.microbatch_size, -(-rewards.batch_size // n)) * question,
    )
    activations = kept * shape.layers * activation_numbers(shape) * BFLOAT16
    return held_bytes(shape, adapter) + max(cache, activations)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """What a run takes at one share of the data sheet's rates, in seconds."""

    samples: float
    rewards: float
    drawing: float
    reading: float
    training: float
    sending: float

    @property
    def total(self) -> float:
        """Of all parts."""
        return float(sum(vars(self).values()))

    @property
    def largest(self) -> str:
        """The name of the part that takes longest."""
        return max(vars(self).items(), key=lambda part: part[1])[0]


def hours(
    shape: TransformerShape, adapter: str, n: int, device: Accelerator, share: float
) -> Hours:
    """Return the seconds of the paper's run on `n` devices, as prefloop divides the work."""
    config = paper_run(adapter)
    work = workload_of(config, layers=shape.layers, judged=0)
    query, response = text_tokens(config)
    used = replace(device, rate=device.rate * share, bandwidth=device.bandwidth * share)

    def computing(tokens: StageTokens) -> float:
        heads = (tokens.read + tokens.trained) * response / (query + response)
        return operations(tokens.total, heads) / used.rate

    def operations(tokens: float, heads: float) -> float:
        context = query + response
        return forward_operations(shape, tokens=tokens, head_tokens=heads, context=context)

    def drawing(rows: float, n_queries: float, batches: float) -> float:
        steps = response * token_seconds(shape, adapter, rows, query + response, used)
        return batches * (steps + operations(n_queries * query, 0.0) / used.rate)

    policy, samples = config.policy, config.samples
    questions = float(config.comparisons.labels)
    batches = questions * samples.per_prompt / samples.batch_size
    steps = policy.updates * policy.epochs + questions / config.rewards.batch_size
    link = device.link if n <= COUNTS[1] else device.network
    trained = shape.parameters if adapter == "none" else adapter_weights(shape, rank=RANK)
    return Hours(
        samples=drawing(samples.batch_size, samples.batch_size / samples.per_prompt, batches),
        # No LM head is run on what is scored; more processes than comparisons of a step are idle.
        rewards=computing(StageTokens(scored=work.rewards.total))
        / min(n, config.rewards.batch_size),
        drawing=drawing(policy.batch_size / n, policy.batch_size / n, policy.updates),
        reading=computing(replace(work.policy, drawn=0.0, trained=0.0)) / n,
        training=computing(StageTokens(trained=work.policy.trained)) / n,
        sending=0.0 if n == 1 else steps * 2 * FLOAT32 * trained / link,
    )


def token_seconds(
    shape: TransformerShape, adapter: str, rows: float, context: float, device: Accelerator
) -> float:
    """Return the seconds of drawing one token of each of so many responses."""
    weights = shape.parameters * weight_bytes(adapter)
    cache = rows * context * kv_cache_bytes(shape, number_bytes=BFLOAT16)
    products = FORWARD * (shape.trunk_weights + shape.head_weights) * rows
    return step_seconds(
        operations=products,
        moved_bytes=weights + cache,
        rate=device.rate,
        bandwidth=device.bandwidth,
    )


def sizes_table() -> str:
    """Return what each model holds in memory."""
    rows = []
    for name, shape in MODELS.items():
        cache = kv_cache_bytes(shape, number_bytes=BFLOAT16)
        kept = shape.layers * activation_numbers(shape) * BFLOAT16
        rows.append(
            [
                name,
                f"{shape.parameters:,}",
                gigabytes(held_bytes(shape, "none")),
                gigabytes(held_bytes(shape, "lora")),
                f"{cache / 1024:.0f} KiB, {gigabytes(512 * 575 * cache)}",
                f"{kept / 2**20:.1f} MiB, {gigabytes(MICROBATCH * 575 * kept)}",
            ]
        )
    heads = [
        "Model",
        "weights",
        "full copies",
        f"adapters of rank {RANK}",
        "cache: a token, 512 texts of 575",
        f"kept for the backward pass: a token, {MICROBATCH} texts of 575",
    ]
    return "\n".join(markdown_table(heads, rows))


def machines_table() -> str:
    """Return what the paper's run takes on each number of devices, and what gives out first."""
    rows = [
        [name, ADAPTERS[adapter], str(n), *_verdict(shape, adapter, n)]
        for name, shape in MODELS.items()
        for adapter in ADAPTERS
        for n in COUNTS
    ]
    heads = [
        "Model",
        "trained",
        "H100s",
        "a process needs",
        "hours",
        "on A100s",
        "what gives out, or most of it",
    ]
    return "\n".join(markdown_table(heads, rows))


PARTS = {
    "samples": "drawing samples for labels, in process 0 alone",
    "rewards": "training the reward model",
    "drawing": "drawing the policy's responses",
    "reading": "reading them",
    "training": "training the policy",
    "sending": "sending weights and gradients",
}


def _verdict(shape: TransformerShape, adapter: str, n: int) -> list[str]:
    needed, held = needed_bytes(shape, adapter, n), held_bytes(shape, adapter)
    room = ROOM * H100.memory
    if held > room:
        steps = _steps_alone(shape, adapter, n) if held / n < room else "does not fit"
        reason = f"weights and what Adam holds: the memory of {-(-held // room):.0f} devices"
        return [gigabytes(needed), steps, "", reason]
    if needed > room:
        reason = f"memory: {gigabytes(needed - held)} of cache beside {gigabytes(held)}"
        return [gigabytes(needed), "does not fit", "", reason]
    fast, slow = (hours(shape, adapter, n, H100, share) for share in reversed(SHARES))
    old = [hours(shape, adapter, n, A100, share).total for share in reversed(SHARES)]
    percent = f"{100 * getattr(slow, slow.largest) / slow.total:.0f} %"
    return [
        gigabytes(needed),
        f"{_hours(fast.total)} to {_hours(slow.total)}",
        f"{_hours(old[0])} to {_hours(old[1])}",
        f"{PARTS[slow.largest]}, {percent}",
    ]


def _steps_alone(shape: TransformerShape, adapter: str, n: int) -> str:
    """Return the hours of reading and training, as if the weights were divided (FSDP)."""
    fast, slow = (hours(shape, adapter, n, H100, share) for share in reversed(SHARES))
    least, most = (found.rewards + found.reading + found.training for found in (fast, slow))
    return f"divided: {_hours(least)} to {_hours(most)}, without drawing and sending"


def divided_table() -> str:
    """Return what drawing a token costs where each device holds a part of the weights."""
    rows = []
    for name, shape in MODELS.items():
        weights = shape.parameters * BFLOAT16
        times = [weights / rate for rate in (H100.bandwidth, H100.link, H100.network)]
        rows.append([name, gigabytes(weights), *(f"{1000 * t:,.1f} ms" for t in times)])
    heads = ["Model", "weights in bfloat16", "read from the device's own memory"]
    heads += ["gathered in one machine (NVLink)", "gathered between machines"]
    return "\n".join(markdown_table(heads, rows))


def drawn_a_second(shape: TransformerShape, *, rows: int, share: float) -> float:
    """Return the tokens that one H100 draws a second, so many responses at once, with adapters."""
    used = replace(H100, rate=H100.rate * share, bandwidth=H100.bandwidth * share)
    return rows / token_seconds(shape, "lora", float(rows), 575.0, used)


def gigabytes(n: float) -> str:
    """Return bytes as gigabytes of 10^9."""
    return f"{n / GB:,.0f} GB" if n >= 10 * GB else f"{fixed(n / GB, 1)} GB"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.0f}" if seconds >= 36_000 else fixed(seconds / 3600, 1)
