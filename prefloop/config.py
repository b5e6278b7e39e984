"""One run file: YAML in, frozen sections out, every problem told at once."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from prefloop.comparisons.config import SYNTHETIC, ComparisonsConfig
from prefloop.comparisons.tastes.registry import build_judge, build_taste
from prefloop.errors import InputError, PrefloopError, SettingsError, listing
from prefloop.evaluation.config import EvaluationConfig
from prefloop.models.config import ModelsConfig
from prefloop.policy.config import PolicyConfig
from prefloop.prompts.config import PromptsConfig
from prefloop.prompts.presets import load_task
from prefloop.prompts.task import TaskConfig
from prefloop.report.config import ReportConfig
from prefloop.rewards.config import RewardsConfig
from prefloop.samples.config import SamplesConfig
from prefloop.settings import Count, Index, Section, told


class RunConfig(Section):
    """A whole run. The sections are the stages, in order."""

    seed: Index = 1
    """Root of every random number in the run."""

    rounds: Count = 1
    """Turns of the loop: sample, label, train the reward model, improve the policy."""

    store: str | None = None
    """Database of the labels; `null` is `prefloop.db` in the run folder."""

    task: TaskConfig
    """What a query is, when a response ends, and what labelers are asked."""

    models: ModelsConfig = Field(default_factory=ModelsConfig)
    """Which language model."""

    prompts: PromptsConfig = Field(default_factory=PromptsConfig)
    """Where prompts come from."""

    samples: SamplesConfig = Field(default_factory=SamplesConfig)
    """How responses are drawn."""

    comparisons: ComparisonsConfig = Field(default_factory=ComparisonsConfig)
    """How many labels, and from whom."""

    rewards: RewardsConfig = Field(default_factory=RewardsConfig)
    """How the reward model learns."""

    policy: PolicyConfig = Field(default_factory=PolicyConfig)
    """How the policy is updated."""

    evaluation: EvaluationConfig = Field(default_factory=EvaluationConfig)
    """How the result is judged."""

    report: ReportConfig = Field(default_factory=ReportConfig)
    """What the report shows."""

    @model_validator(mode="after")
    def _stages_agree(self) -> Self:
        problems = []
        samples, policy, comparisons = self.samples, self.policy, self.comparisons
        if not 2 <= samples.per_prompt <= 8:
            problems.append(
                f"samples.per_prompt is {samples.per_prompt}; a comparison shows 2 to 8"
            )
        if policy.updates < self.rounds:
            problems.append(
                f"policy.episodes {policy.episodes} is {policy.updates} rollouts of "
                f"policy.batch_size {policy.batch_size}: fewer than one for each of "
                f"{self.rounds} rounds"
            )
        if comparisons.labels < self.rounds:
            problems.append(
                f"comparisons.labels {comparisons.labels} is less than rounds {self.rounds}"
            )
        if self.prompts.held_out_share == 0 and self.evaluation.judge is not None:
            problems.append(
                "prompts.held_out_share 0 leaves the judge no prompts; set evaluation.judge: null"
            )
        problems += _taste_problems(self)
        if problems:
            raise ValueError("; ".join(problems))
        return self


def _taste_problems(config: RunConfig) -> list[str]:
    """Return what is wrong with tastes and judge: unknown names, or a judge that also labels."""
    try:
        taste = config.comparisons.known_taste
        if config.comparisons.labelers == SYNTHETIC:
            build_taste(taste)
        if config.evaluation.judge is not None:
            build_judge(config.evaluation.judge, labeled_by=taste)
    except PrefloopError as error:
        return [str(error)]
    return []


def load_run_file(path: Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a run file; `overrides` are texts such as `policy.lr=1e-4`."""
    if not path.is_file():
        raise InputError(
            f"{path} does not exist. Make a run folder with `prefloop init {path.parent} "
            "--task sentiment`."
        )
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=RunFileLoader)
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {error}") from error
    if not isinstance(raw, dict):
        kind = type(raw).__name__
        raise SettingsError(f"{path} must hold sections such as `policy:`; got {kind}.")
    for override in overrides:
        _apply(raw, override)
    return parse_run(raw, str(path))


def parse_run(raw: dict[str, Any], name: str) -> RunConfig:
    """Return the run that `raw` means; `name` is how messages call it."""
    problems: list[str] = []
    sections = dict(raw)
    try:
        sections["task"] = load_task(raw.get("task", "sentiment"))
    except PrefloopError as error:
        heading, *lines = str(error).splitlines()
        problems += [f"task.{line.removeprefix('  - ')}" for line in lines] or [heading]
        sections["task"] = load_task("sentiment")
    try:
        config = RunConfig.model_validate(sections)
    except ValidationError as error:
        problems += told(error, RunConfig)
    if problems:
        raise SettingsError(listing(name, problems))
    return config


def _apply(raw: dict[str, Any], override: str) -> None:
    """Set one dotted key; refuse text that is no `section.key=value`."""
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise SettingsError(
            f"{override!r} is not an override. Write section.key=value, as in policy.lr=1e-4."
        )
    *path, last = key.strip().split(".")
    place = raw
    for step in path:
        inner = place.setdefault(step, {})
        if step == "task" and isinstance(inner, str):
            inner = place[step] = {"name": inner}
        if not isinstance(inner, dict):
            raise SettingsError(f"{override!r}: {step} is no section.")
        place = inner
    try:
        place[last] = yaml.load(text, Loader=RunFileLoader)
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{override!r}: {text!r} is no YAML value. Put it in quotes."
        ) from error


class RunFileLoader(yaml.SafeLoader):
    """YAML that reads 1e-5 as a number, as YAML 1.2 does and PyYAML does not."""


RunFileLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?([eE][-+]?\d+)$"),
    list("-+0123456789"),
)


def as_yaml(config: RunConfig) -> str:
    """Return the whole run, every default written out."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True, width=100)
