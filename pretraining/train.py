"""Pre-train the tiny model on one CPU core, for a given number of minutes.

The learning rate follows the share of the time budget already spent, so the run ends with the
schedule complete however fast the machine is.
"""

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from muon import Muon
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel

CONTEXT = 256
BATCH = 12
PEAK = 2e-3
FLOOR = 0.02
WARMUP_STEPS = 100
DECAY = 0.1
SAVE_SECONDS = 180.0
LOG_STEPS, EVAL_STEPS = 50, 200
EVAL_ROWS = 16


@dataclass
class Progress:
    """What a resumed run has to know."""

    step: int = 0
    seconds: float = 0.0


def build() -> GPT2LMHeadModel:
    """The network: no dropout, because no text is seen more than a few times."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=8192, n_positions=CONTEXT, n_embd=256, n_layer=4, n_head=8,
            activation_function="gelu_pytorch_tanh", attn_implementation="sdpa",
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
            bos_token_id=0, eos_token_id=0, pad_token_id=1, use_cache=False,
        )
    )  # fmt: skip


def optimizers_for(model: GPT2LMHeadModel) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the blocks, Adam for embeddings, biases and gains.

    Muon learns more from each token, and tokens are what one core for an hour is short of. Its
    steps are scaled to Adam's size, so one learning rate serves both.
    """
    blocks = [p for name, p in model.named_parameters() if p.dim() == 2 and ".h." in name]
    inside = {id(p) for p in blocks}
    others = [p for p in model.parameters() if id(p) not in inside]
    return [
        Muon(blocks, lr=PEAK, weight_decay=DECAY),
        torch.optim.AdamW(others, lr=PEAK, betas=(0.9, 0.95), weight_decay=0.0, fused=True),
    ]


def learning_rate(step: int, share: float) -> float:
    """Linear warm-up in steps, cosine down to the floor in spent time."""
    warm = min(1.0, (step + 1) / WARMUP_STEPS)
    return PEAK * warm * (FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * min(1.0, share))))


def batch_at(tokens: np.ndarray, step: int) -> torch.Tensor:
    """Rows in shuffled order; each pass has another order and starts at another offset."""
    rows = (len(tokens) - CONTEXT) // CONTEXT
    per_pass = rows // BATCH
    number, place = divmod(step, per_pass)
    generator = np.random.default_rng(number)
    offset = int(generator.integers(CONTEXT))
    order = generator.permutation(rows)[place * BATCH : (place + 1) * BATCH]
    chosen = np.stack([tokens[offset + i * CONTEXT : offset + (i + 1) * CONTEXT] for i in order])
    return torch.from_numpy(chosen.astype(np.int64))


def loss_of(model: torch.nn.Module, rows: torch.Tensor) -> torch.Tensor:
    """Mean negative log likelihood of each token given those before it in its row."""
    logits = model(rows).logits[:, :-1]
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), rows[:, 1:].reshape(-1))


@torch.no_grad()
def perplexity(model: torch.nn.Module, data: Path) -> float:
    """Held-out perplexity over the first rows of every source, each source counting the same."""
    losses = []
    for path in sorted(data.glob("eval_*.npy")):
        tokens = np.load(path)
        rows = min(EVAL_ROWS, len(tokens) // CONTEXT)
        batch = torch.from_numpy(tokens[: rows * CONTEXT].astype(np.int64)).view(rows, CONTEXT)
        losses.append(loss_of(model, batch).item())
    return math.exp(sum(losses) / len(losses))


def save(
    path: Path, model: GPT2LMHeadModel, optimizers: list[torch.optim.Optimizer], progress: Progress
) -> None:
    """Replace the checkpoint in one move: a crash while writing must not cost the previous one."""
    optimizer_states = [optimizer.state_dict() for optimizer in optimizers]
    state = {
        "model": model.state_dict(),
        "optimizers": optimizer_states,
        "progress": vars(progress),
    }
    torch.save(state, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)


def resume(path: Path, model: GPT2LMHeadModel, optimizers: list[torch.optim.Optimizer]) -> Progress:
    """Continue from the checkpoint if there is one."""
    if not path.exists():
        return Progress()
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(saved)
    return Progress(**state["progress"])


def step_once(
    model: torch.nn.Module, optimizers: list[torch.optim.Optimizer], rows: torch.Tensor, rate: float
) -> float:
    """One optimizer step; returns the loss before it."""
    loss = loss_of(model, rows)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=False)
    return loss.item()


def train(data: Path, out: Path, minutes: float) -> None:
    """Run until the time is spent, logging and saving on the way."""
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = build()
    optimizers = optimizers_for(model)
    progress = resume(out / "checkpoint.pt", model, optimizers)
    tokens = np.load(data / "train.npy")
    budget, began, losses, saved = (
        minutes * 60,
        time.monotonic() - progress.seconds,
        [],
        time.monotonic(),
    )
    while progress.seconds < budget:
        rate = learning_rate(progress.step, progress.seconds / budget)
        losses.append(step_once(model, optimizers, batch_at(tokens, progress.step), rate))
        progress.step += 1
        progress.seconds = time.monotonic() - began
        last = progress.seconds >= budget
        if progress.step % LOG_STEPS == 0 or last:
            log(out, model, data, progress, losses, rate, last)
            losses = []
        if time.monotonic() - saved > SAVE_SECONDS or last:
            save(out / "checkpoint.pt", model, optimizers, progress)
            saved = time.monotonic()


def log(
    out: Path,
    model: GPT2LMHeadModel,
    data: Path,
    progress: Progress,
    losses: list[float],
    rate: float,
    last: bool,
) -> None:
    """One line: the mean loss since the line before, now and then the held-out perplexity."""
    line = {
        "step": progress.step,
        "tokens": progress.step * BATCH * CONTEXT,
        "seconds": round(progress.seconds, 1),
        "lr": round(rate, 7),
        "loss": round(sum(losses) / len(losses), 4),
    }
    if progress.step % EVAL_STEPS == 0 or last:
        line["held_out_perplexity"] = round(perplexity(model, data), 2)
    with (out / "log.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder that encode.py filled")
    parser.add_argument("out", type=Path, help="folder for checkpoint.pt and log.jsonl")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="time to spend; a resumed run counts on"
    )
    arguments = parser.parse_args()
    train(arguments.data, arguments.out, arguments.minutes)


if __name__ == "__main__":
    main()
