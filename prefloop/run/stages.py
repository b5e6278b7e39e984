"""Everything that the steps of a run work with."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prefloop.comparisons.selection.builder import ComparisonBuilder
from prefloop.metrics import MetricsLog
from prefloop.policy.stage import PolicyStage
from prefloop.records import Prompt
from prefloop.rewards.stage import RewardStage
from prefloop.run.canaries import RunCanaries
from prefloop.run.live import LiveWatch
from prefloop.run.monitor import RunMonitor
from prefloop.run.rounds import Rounds
from prefloop.run.waiting import PeopleLabeling
from prefloop.samples.draw import SampleDrawer
from prefloop.seeding import numpy_stream
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store


@dataclass(frozen=True, kw_only=True)
class Stages:
    """The stages of one run with their settings; `assemble` makes it, the steps use it."""

    config: RunConfig
    folder: Path
    monitor: RunMonitor
    metrics: MetricsLog
    prompts: Mapping[str, Prompt]
    drawer: SampleDrawer
    builder: ComparisonBuilder
    people: PeopleLabeling
    rewards: RewardStage
    policy: PolicyStage
    canaries: RunCanaries
    live: LiveWatch
    rounds: Rounds

    @property
    def store(self) -> Store:
        """The store, which waits while it cannot be reached."""
        return self.monitor.store

    def prompts_of(self, split: str) -> list[Prompt]:
        """Return the prompts of a split in the order of their source."""
        return [p for p in self.prompts.values() if p.split == split]

    def shuffled_prompts(self, split: str, stream: str) -> list[Prompt]:
        """Return the prompts of a split in the order that the random stream gives."""
        prompts = self.prompts_of(split)
        order = numpy_stream(self.config.seed, stream).permutation(len(prompts))
        return [prompts[int(i)] for i in order]
