"""Checks of what training, audits and evaluation wrote down; no model is loaded."""

from pathlib import Path

from prefloop.audits.overoptimization_rules import CHECK
from prefloop.doctor.canaries import check_canaries
from prefloop.doctor.judgment import check_evaluation
from prefloop.doctor.labels import check_label_audit
from prefloop.doctor.policy import check_policy
from prefloop.doctor.rewards import check_rewards
from prefloop.doctor.taken_up import check_taken_up
from prefloop.doctor.watch import check_live, check_watch
from prefloop.figures.check_result import CheckResult
from prefloop.run_folder import RunFigures, settings_of
from prefloop.settings.run import RunConfig


def check_measured(config: RunConfig, run: RunFigures, folder: Path) -> list[CheckResult]:
    """Return what the figures of a run say of labels, reward model, policy and evaluation."""
    rewards = settings_of([file.provenance for file in run.trusts[-1:]], config)
    policy = _policy_settings(run, config)
    return [
        *check_label_audit(config, run),
        # What the audits warn of is up to today's run file, as it is for the audit of the labels.
        *check_taken_up(policy.model_copy(update={"audits": config.audits}), run),
        *check_rewards(rewards, run),
        *check_policy(policy, run),
        *check_watch(policy, run),
        *check_canaries(config, run),
        *check_live(run),
        *_how_far(run),
        *check_evaluation(config, run, folder),
    ]


def _how_far(run: RunFigures) -> list[CheckResult]:
    """Return what the audit of over-optimization found, once there is a policy."""
    if run.overoptimization is not None:
        return list(run.overoptimization.findings)
    if not run.policies:
        return []
    message = "Nobody looked how far the policy may go: run `prefloop audit overoptimization`."
    return [CheckResult(stage="policy", check=CHECK, status="later", message=message)]


def _policy_settings(run: RunFigures, config: RunConfig) -> RunConfig:
    """Return the settings of the newest update: those of the newest policy that is saved, unless
    training went on since."""
    newest = max((line.update for line in run.metrics if line.stage == "policy"), default=0)
    records = [folder.provenance for folder in run.policies]
    return settings_of([r for r in records if r is not None and r.updates == newest], config)
