"""The services that routes use: the store, caches, limits and background figures."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.store.labeling.group_commit import GroupCommit
from prefloop.store.store import Store
from prefloop.teamwork import Batch
from prefloop.web.config import WebSettings
from prefloop.web.services.callers import Callers
from prefloop.web.services.clock import DatabaseClock
from prefloop.web.services.disk import DiskWatch
from prefloop.web.services.instructions_cache import InstructionsCache
from prefloop.web.services.quality_cache import QualityCache
from prefloop.web.services.rate_limits import LoginLimits, RateLimit
from prefloop.web.services.ttl_cache import TTLCache
from prefloop.web.services.work_hours import WorkHours
from prefloop.web.strings import shipped_strings


@dataclass(frozen=True, kw_only=True)
class Services:
    """The store, the settings, and the caches and limits of this process."""

    store: Store
    settings: WebSettings
    callers: Callers
    writer: GroupCommit
    instructions: InstructionsCache
    login_limits: LoginLimits
    stop_limits: RateLimit
    batches: TTLCache[list[Batch]]
    hours: WorkHours
    quality: QualityCache
    clock: DatabaseClock
    disk: DiskWatch
    qualified: set[str] = field(default_factory=set)
    """Ids of the people who passed the qualification."""
    read_versions: dict[str, str | None] = field(default_factory=dict)
    """By person's id, the version of the instructions that they had read at the last look-up."""

    def forget_names(self) -> None:
        """Read everything again that is kept by name: a person was renamed or erased."""
        self.callers.forget_all()
        self.hours.forget()
        self.quality.invalidate()

    def close(self) -> None:
        """Store what was accepted, and end the threads."""
        self.writer.close()
        self.quality.close()


def make_services(store: Store, settings: WebSettings) -> Services:
    """Return the services of an app, which closes them when it ends."""
    # Programs are refused in English, whatever the pages speak: not read when the first one is.
    shipped_strings()
    return Services(
        store=store,
        settings=settings,
        callers=Callers(store.access),
        writer=GroupCommit(store.answers, store.queue.claims),
        clock=DatabaseClock(store.now),
        disk=DiskWatch(store.free_bytes),
        instructions=InstructionsCache(store.instructions),
        login_limits=LoginLimits(),
        stop_limits=RateLimit(1, 3600),
        batches=TTLCache(store.queue.batches),
        hours=WorkHours(store.tallies),
        quality=QualityCache(store, Thresholds(pass_accuracy=settings.pass_accuracy)),
    )


async def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


ServicesDep = Annotated[Services, Depends(_services)]
