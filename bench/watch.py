"""What the watch on the policy costs an update, model forwards aside.

    python bench/watch.py [--updates 200] [--update-seconds 20]

SmolLM2-shaped texts: 64 responses of 24 tokens (about 18 words) to prompts of 40 words, compared
with 800 of the reference's samples. Prints the milliseconds of an update's watch: the figures of
its texts, the drift of shortcuts, a held-out score by rated words, the words that rose, the alarms,
and decoding the responses as `policy/trainer.py` does.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from prefloop.audits.watch import UpdateWatch
from prefloop.models.loading import load_tokenizer
from prefloop.models.sources import resolve
from prefloop.policy.text_metrics import text_metrics
from prefloop.prompts.sources import read_passages
from prefloop.records import Prompt
from prefloop.run_file import parse_run
from prefloop.scorers.build import build_scorer
from prefloop.settings.prompts import PromptsConfig

BATCH, PROMPT_WORDS, RESPONSE_WORDS, RESPONSE_TOKENS, REFERENCE = 64, 40, 18, 24, 800
BUDGET = 0.03
"""Share of an update that the watch may take."""


def main() -> None:
    """Watch made-up updates, and print what they cost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--updates", type=int, default=200)
    parser.add_argument("--update-seconds", type=float, help="length of an update, to compare with")
    options = parser.parse_args()
    rows = pool()
    watch = UpdateWatch(
        parse_run({}, "run.yaml"),
        reference_texts=lambda: [text for _, text in rows[:REFERENCE]],
        held_out=build_scorer("lexicon", {}),
        say=lambda _: None,
        ask_stop=lambda _: None,
    )
    watch.begin([])
    tokenizer = load_tokenizer(resolve("builtin:tiny"))
    stream = np.random.default_rng(1)
    seconds: list[list[float]] = []
    for update in range(options.updates):
        drawn = [rows[i] for i in stream.integers(len(rows), size=BATCH)]
        ids = [tokenizer.encode(text)[:RESPONSE_TOKENS] for _, text in drawn]
        start = time.perf_counter()
        for row in ids:
            tokenizer.decode_after(row)
        decoded = time.perf_counter()
        one_update(watch, update + 1, drawn)
        seconds.append([decoded - start, time.perf_counter() - decoded])
    report(seconds, options.update_seconds)


def pool() -> list[tuple[Prompt, str]]:
    """Return prompts of the built-in fiction, each with the words that follow it."""
    long = [p.text.split() for p in read_passages(PromptsConfig()).passages]
    long = [words for words in long if len(words) >= PROMPT_WORDS + RESPONSE_WORDS][:2000]
    return [
        (
            Prompt(id=str(i), text=" ".join(w[:PROMPT_WORDS]), source="fiction", split="train"),
            " ".join(w[PROMPT_WORDS : PROMPT_WORDS + RESPONSE_WORDS]),
        )
        for i, w in enumerate(long)
    ]


def one_update(watch: UpdateWatch, update: int, drawn: Sequence[tuple[Prompt, str]]) -> None:
    """Do what the policy stage does for the watch."""
    prompts, texts = zip(*drawn, strict=True)
    line: dict[str, Any] = {"stage": "policy", "round": 0, "update": update}
    line |= {"policy/score": 0.1, "policy/score_sd": 1.0, "policy/kl": 1.0, "policy/entropy": 2.0}
    line |= text_metrics(prompts, texts, response_tokens=RESPONSE_TOKENS)
    line |= watch.measure(line, [prompt.text for prompt in prompts], texts)
    watch.report(line)


def report(seconds: Sequence[Sequence[float]], update_seconds: float | None) -> None:
    """Print medians, and the share of an update if its length is known."""
    decoding, watching = (1000 * statistics.median(row[i] for row in seconds) for i in (0, 1))
    newest = 1000 * statistics.median(row[1] for row in seconds[-20:])
    print(f"decoding {decoding:.1f} ms, watch {watching:.1f} ms (last 20 updates: {newest:.1f} ms)")
    if update_seconds is not None:
        share = (decoding + newest) / 1000 / update_seconds
        verdict = "within" if share <= BUDGET else "ABOVE"
        print(f"{share:.2%} of an update of {update_seconds:g} s: {verdict} {BUDGET:.0%}")


if __name__ == "__main__":
    main()
