"""What a run leaves for readers: its report, and a card beside each model."""

from pathlib import Path

from prefloop.report.build import build_report
from prefloop.report.cards import write_cards
from prefloop.run.stages import Stages


def write_report(stages: Stages) -> Path:
    """Write the models' cards and the report; return the report's path."""
    write_cards(stages.folder, stages.store, stages.config, stages.drawer.sampler.tokenizer)
    return build_report(stages.folder, stages.store, stages.config)
