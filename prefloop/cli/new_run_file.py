"""The run file that `prefloop init` writes: short, and only what a user would change."""

from textwrap import indent

import yaml

from prefloop.settings.comparisons import SYNTHETIC
from prefloop.settings.run import RunConfig
from prefloop.settings.task_presets import load_task

TEXT = """\
# A run of prefloop. What is not named here has a default (docs/reference/settings.md), and
# run.resolved.yaml will hold every value that the run used. Any line may be changed for one start:
#     prefloop run my-run policy.lr=3e-4
# What the run is going to do:
#     prefloop run my-run --plan

# With the same seed a run repeats.
seed: {seed}
# Turns of: sample, label, train the reward model, train the policy.
rounds: {rounds}
# Where the values not named here come from: adapters, ziegler2019 (as in 2019), or none.
recipe: {recipe}

task:
  # The task to start from; what follows is its own and may be reworded.
  name: {task}
  question: {question}
  # Stored with every label. Raise it when question or instructions change.
  instructions_version: {version}
  instructions: |
{instructions}
  # The longest response.
  response_tokens: {response_tokens}
  # A response ends with the first of this text after stop_min tokens; null: it never ends early.
  stop: {stop}
{stop_min}
models:
  # smollm2, builtin:tiny, a Hugging Face name or a folder.
  name: {model}

prompts:
  # builtin:fiction, or a .jsonl, .csv, .tsv or .txt file.
  source: {source}
  # Kept for the judge: a verdict needs about 100 prompts.
  held_out_share: {held_out_share}

comparisons:
  # synthetic, people (in a browser), or none (imported labels).
  labelers: {labelers}
  # To train the reward model; then those of each round that only measure it.
  labels: {labels}
  validation_labels: {validation_labels}
{scorers}
policy:
  # Responses that it learns from.
  episodes: {episodes}
  # Its step size: the first to raise where the KL stays far below its limit.
  lr: {lr}
  kl:
    # How far it may go from the model that it started as, in nats.
    cap: {cap}

evaluation:
  # Who judges: scorers, or people. None may rest on what the labels rest on; [] is no verdict.
  judges: {judges}
  # Held-out prompts in the verdict, if there are as many.
  prompts: {prompts}
"""

SCORERS = """\
  synthetic:
    # What the synthetic labelers like: scorers and their weights.
    scorers: {scorers}
"""


def new_run_file(config: RunConfig) -> str:
    """Return a run file that means `config`, as far as it names settings."""
    task, comparisons, policy = config.task, config.comparisons, config.policy
    scorers = SCORERS.format(scorers=_flow(comparisons.synthetic.scorers))
    return TEXT.format(
        seed=config.seed,
        rounds=config.rounds,
        recipe=config.recipe,
        task=task.name,
        question=_flow(task.question),
        version=_flow(task.instructions_version),
        instructions=indent(task.instructions.rstrip("\n"), "    "),
        response_tokens=task.response_tokens,
        stop=_flow(task.stop),
        # Written where a recipe says so: else a chat's is its own.
        stop_min=""
        if task.stop_min == load_task(task.name).stop_min
        else f"  stop_min: {task.stop_min}\n",
        model=_flow(config.models.name),
        source=_flow(config.prompts.source),
        held_out_share=config.prompts.held_out_share,
        labelers=comparisons.labelers,
        labels=comparisons.labels,
        validation_labels=comparisons.validation_labels,
        scorers=scorers if comparisons.labelers == SYNTHETIC else "",
        episodes=policy.episodes,
        lr=policy.lr,
        cap=_flow(policy.kl.cap),
        judges=_flow(config.evaluation.judges),
        prompts=config.evaluation.prompts,
    )


def _flow(value: object) -> str:
    """Return a value as YAML writes it on one line."""
    written: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=float("inf")
    )
    return written.removesuffix("...\n").strip()
