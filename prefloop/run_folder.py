"""What a run left behind in its folder: an absent part is absent, a damaged one is an error."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from prefloop.figures.canary import CanaryFigures, CanaryResult
from prefloop.figures.cost import COSTS, TrainingCostFigures, UpdateCostFigures, training_cost
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.label_audit import LabelAuditFigures
from prefloop.figures.live import LiveFigures
from prefloop.figures.metrics_line import MetricsLine, checked_lines, read_line
from prefloop.figures.overoptimization import OverOptimizationFigures
from prefloop.figures.prompts import PromptFigures
from prefloop.figures.provenance import PROVENANCE, Provenance
from prefloop.figures.reading import read_evaluation, read_trust
from prefloop.figures.record import from_object, read_object, to_json
from prefloop.figures.reward_audit import RewardAuditFigures
from prefloop.figures.trust import TrustFigures
from prefloop.figures.usage import UsageFigures, total_usage
from prefloop.files import numbered_json_lines, read_json_lines, read_text
from prefloop.run_file import recorded_run
from prefloop.settings.run import RunConfig

EVALUATION = "evaluation"
USAGE = "usage.jsonl"
PROMPTS = "prompt_figures.json"
LABEL_AUDIT = "audits/labels.json"
REWARD_AUDIT = "audits/rewards-round-{}.json"
CANARIES = "audits/canaries.json"
LIVE_AUDIT = "audits/live.json"
OVEROPTIMIZATION = "audits/overoptimization.json"
TEXT_FIGURES = "audits/text_figures.safetensors"

PLAIN_NAME = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*")
"""Model names that are a path below a folder as they stand."""

POLICY = re.compile(r"policy/(round|update)-(\d+)")
OF_ROUND = re.compile(r"round-(\d+)")
"""The name of a folder that holds what a round made."""


@dataclass(frozen=True, kw_only=True)
class EvaluationFile:
    """The evaluation of one model, and where it lies in the run."""

    path: str
    """Relative to the run folder."""
    figures: EvaluationFigures


@dataclass(frozen=True, kw_only=True)
class TrustFile:
    """The figures of one round's reward model, and where they lie in the run."""

    round: int
    path: str
    """Relative to the run folder."""
    figures: TrustFigures
    provenance: Provenance | None = None
    """What the reward model was made with; None in runs of version 0.1."""

    @property
    def fingerprint(self) -> str:
        """A hash of the figures: another one after the model was trained again."""
        return sha256(to_json(self.figures).encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True)
class PolicyFolder:
    """The policy with which a round ended, and what it was made with."""

    round: int
    provenance: Provenance | None
    """None in runs of version 0.1."""


@dataclass(frozen=True, kw_only=True)
class RunFigures:
    """The figures of a run: reward models in the order of rounds, evaluations of updates."""

    name: str
    metrics: tuple[MetricsLine, ...]
    evaluations: tuple[EvaluationFile, ...]
    trusts: tuple[TrustFile, ...]
    policies: tuple[PolicyFolder, ...] = ()
    """In the order of rounds."""
    usages: tuple[UsageFigures, ...] = ()
    """What scorers and judges used of endpoints, in the order in which it was written."""
    cost: TrainingCostFigures | None = None
    """What its updates took; None in runs from before this was recorded."""
    prompts: PromptFigures | None = None
    """What became of the passages of the prompt file; None in runs from before this was kept."""
    label_audit: LabelAuditFigures | None = None
    """What the labels reward; None where nobody looked."""
    reward_audit: RewardAuditFigures | None = None
    """Whether to train against the newest reward model; None where nobody looked."""
    live: LiveFigures | None = None
    """What people said of the policy while it trained; None where they were not asked."""

    canaries: tuple[CanaryResult, ...] = ()
    """What each canary said last."""
    overoptimization: OverOptimizationFigures | None = None
    """How far a policy may go against the newest reward; None where nobody looked."""

    @property
    def latest(self) -> EvaluationFile | None:
        """The evaluation of the newest round's policy; of any model if no round's is there."""
        of_rounds = [file for file in self.evaluations if file.figures.round is not None]
        files = of_rounds or self.evaluations
        return files[-1] if files else None

    def evaluation_of_round(self, round_number: int) -> EvaluationFile | None:
        """Return the evaluation of the policy with which a round ended."""
        found = [file for file in self.evaluations if file.figures.round == round_number]
        return found[-1] if found else None

    def policy_of_round(self, round_number: int) -> PolicyFolder | None:
        """Return the policy with which a round ended; None if it is not there."""
        return next((found for found in self.policies if found.round == round_number), None)

    def episodes(self, round_number: int | None = None) -> int:
        """Return the responses that the policy has learned from, up to the end of a round or of
        all, as the metrics count them."""
        made, before, last = 0, 0, 0
        for line in self.metrics:
            if line.stage != "policy" or (round_number is not None and line.round > round_number):
                continue
            # Metrics of version 0.1 may count each round from 0.
            before += last if line.episodes < last else 0
            last = line.episodes
            made = before + last
        return made

    @property
    def usage_totals(self) -> list[UsageFigures]:
        """What each scorer and judge used of an endpoint in the whole run."""
        return total_usage(self.usages)

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that trained the policy, in the order in which they first did."""
        return tuple(dict.fromkeys(m.method for m in self.metrics if m.stage == "policy"))


def settings_of(records: Sequence[Provenance | None], config: RunConfig) -> RunConfig:
    """Return the settings that the first of these records holds; `config` if none holds any.

    What the report shows, and how, is a matter of today: `report` is always that of `config`.
    """
    for record in records:
        if record is not None and record.settings:
            made = recorded_run(record.settings, record.artifact)
            return made.model_copy(update={"report": config.report})
    return config


def newest_first(run: RunFigures) -> list[Provenance | None]:
    """Return the records of a run's models: policies before reward models, the newest first."""
    policies = [folder.provenance for folder in reversed(run.policies)]
    return [*policies, *(file.provenance for file in reversed(run.trusts))]


def read_run_folder(run: Path) -> RunFigures:
    """Return the figures that the folder holds; InputError naming a file that is damaged."""
    path = run / "metrics.jsonl"
    metrics = tuple(map(read_line, checked_lines(numbered_json_lines(path), path)))
    trusts, evaluations = read_trusts(run), _evaluations(run)
    return RunFigures(
        name=run.resolve().name,
        metrics=metrics,
        evaluations=evaluations,
        trusts=trusts,
        policies=_policies(run),
        usages=tuple(
            from_object(UsageFigures, line, str(run / USAGE))
            for line in read_json_lines(run / USAGE)
        ),
        cost=training_cost(_costs(run / COSTS), metrics),
        prompts=_prompts(run / PROMPTS),
        label_audit=read_label_audit(run),
        reward_audit=_reward_audit(run, trusts[-1]) if trusts else None,
        canaries=read_canaries(run),
        live=_live(run / LIVE_AUDIT),
        overoptimization=_overoptimization(run, trusts, evaluations),
    )


def _costs(path: Path) -> list[UpdateCostFigures]:
    return [from_object(UpdateCostFigures, line, str(path)) for line in read_json_lines(path)]


def report_path(run: Path) -> Path:
    """Return where a run's report lies."""
    return run / "report" / "index.html"


def read_label_audit(run: Path) -> LabelAuditFigures | None:
    """Return what the audit of a run's labels found; None if there was none."""
    path = run / LABEL_AUDIT
    if not path.is_file():
        return None
    content = read_object(read_text(path), str(path))
    return from_object(LabelAuditFigures, content, str(path))


def read_canaries(run: Path) -> tuple[CanaryResult, ...]:
    """Return what each canary of a run said last, by name."""
    path = run / CANARIES
    if not path.is_file():
        return ()
    content = read_object(read_text(path), str(path))
    return from_object(CanaryFigures, content, str(path)).results


def reward_audit_path(run: Path, round_number: int) -> Path:
    """Return where the audit of a round's reward model lies."""
    return run / REWARD_AUDIT.format(round_number)


def read_reward_audit(run: Path, round_number: int) -> RewardAuditFigures | None:
    """Return what the audit of a round's reward model found; None if there was none."""
    path = reward_audit_path(run, round_number)
    if not path.is_file():
        return None
    content = read_object(read_text(path), str(path))
    return from_object(RewardAuditFigures, content, str(path))


def _reward_audit(run: Path, trust: TrustFile) -> RewardAuditFigures | None:
    """Return the audit of this reward model; one of an earlier training of it is outdated."""
    figures = read_reward_audit(run, trust.round)
    return figures if figures is not None and figures.reward_model == trust.fingerprint else None


def overoptimization_path(run: Path) -> Path:
    """Return where the audit of over-optimization lies."""
    return run / OVEROPTIMIZATION


def _overoptimization(
    run: Path, trusts: Sequence[TrustFile], evaluations: Sequence[EvaluationFile]
) -> OverOptimizationFigures | None:
    """Return what the audit found; None if there was none, or before the newest models."""
    path = overoptimization_path(run)
    if not path.is_file():
        return None
    content = read_object(read_text(path), str(path))
    figures = from_object(OverOptimizationFigures, content, str(path))
    newest = trusts[-1].fingerprint if trusts else None
    of_rounds = [file.figures.model for file in evaluations if file.figures.round is not None]
    has_newest = not of_rounds or of_rounds[-1] in figures.policies
    return figures if figures.reward_model in (None, newest) and has_newest else None


def export_folder(run: Path, round_number: int) -> Path:
    """Return where a round's policy lies as a model folder."""
    return run / "policy" / f"round-{round_number}"


def read_provenance(folder: Path) -> Provenance | None:
    """Return what the artifact in a folder was made with; None if it does not say."""
    path = folder / PROVENANCE
    if not path.is_file():
        return None
    content = read_object(read_text(path), str(path))
    return from_object(Provenance, content, str(path))


def evaluation_path(run: Path, model: str) -> Path:
    """Return where the evaluation of a model lies.

    A name that is no plain path, such as that of a folder elsewhere, is percent-encoded.
    """
    name = model if PLAIN_NAME.fullmatch(model) else quote(model, safe="")
    return run / EVALUATION / f"{name}.json"


def _prompts(path: Path) -> PromptFigures | None:
    if not path.is_file():
        return None
    return from_object(PromptFigures, read_object(read_text(path), str(path)), str(path))


def _live(path: Path) -> LiveFigures | None:
    if not path.is_file():
        return None
    return from_object(LiveFigures, read_object(read_text(path), str(path)), str(path))


def _evaluations(run: Path) -> tuple[EvaluationFile, ...]:
    paths = sorted((run / EVALUATION).rglob("*.json"))
    files = [
        EvaluationFile(
            path=path.relative_to(run).as_posix(),
            figures=read_evaluation(read_text(path), str(path)),
        )
        for path in paths
    ]
    return tuple(sorted(files, key=_order))


def _order(file: EvaluationFile) -> tuple[int, int, str]:
    """Sort policies by update, after those that earlier runs named by round; others come last."""
    name = POLICY.match(file.figures.model)
    if name is None:
        return (2, 0, file.figures.model)
    return (0 if name[1] == "round" else 1, int(name[2]), file.figures.model)


def read_trusts(run: Path) -> tuple[TrustFile, ...]:
    """Return the figures of a run's reward models, in the order of rounds."""
    files = [
        TrustFile(
            round=int(name[1]),
            path=path.relative_to(run).as_posix(),
            figures=read_trust(read_text(path), str(path)),
            provenance=read_provenance(path.parent),
        )
        for path in run.glob("rewards/round-*/trust.json")
        if (name := OF_ROUND.fullmatch(path.parent.name)) is not None
    ]
    return tuple(sorted(files, key=lambda file: file.round))


def _policies(run: Path) -> tuple[PolicyFolder, ...]:
    folders = [
        PolicyFolder(round=int(name[1]), provenance=read_provenance(folder))
        for folder in run.glob("policy/round-*")
        if (name := OF_ROUND.fullmatch(folder.name)) is not None
    ]
    return tuple(sorted(folders, key=lambda folder: folder.round))
