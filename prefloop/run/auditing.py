"""The step of a round that asks what its labels reward, before anything learns from them."""

from prefloop.audits.labels import audit_labels, audit_scorers, write_label_audit
from prefloop.run.stages import Stages
from prefloop.run.usage import recording_usage


def audit_labels_of_round(stages: Stages, round_number: int) -> None:
    """Audit the labels that there are, and say in a sentence what was found.

    A round whose reward model is trained has been audited; the labels of a stage that only draws
    samples are not there yet.
    """
    if stages.rounds.has_reward_model(round_number):
        return
    if not stages.store.labels(without_excluded=True):
        return
    scorers = audit_scorers(stages.config)
    metered = {scorer.name: scorer.metered for scorer in scorers}
    with recording_usage(stages.folder, stages.monitor, metered):
        figures = audit_labels(
            stages.store,
            stages.config,
            stages.folder,
            stages.monitor,
            scorers=scorers,
            before_making=stages.monitor.before_making,
        )
    write_label_audit(stages.folder, figures)
    warning = figures.first_warning
    if warning is not None:
        stages.monitor.say(f"Audit of the labels: {warning.message} {warning.action}")
    elif figures.findings:
        stages.monitor.say(f"Audit of the labels: {figures.findings[0].message}")
