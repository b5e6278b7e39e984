"""What every route works with."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from prefloop.comparisons.quality.thresholds import Thresholds
from prefloop.store.core.group_commit import GroupCommit
from prefloop.store.store import Store
from prefloop.teamwork import Batch
from prefloop.web.config import WebSettings
from prefloop.web.services.callers import Callers
from prefloop.web.services.clock import DatabaseClock
from prefloop.web.services.instructions_cache import InstructionsCache
from prefloop.web.services.quality_cache import QualityCache
from prefloop.web.services.rate_limits import LoginLimits, RateLimit
from prefloop.web.services.ttl_cache import TTLCache
from prefloop.web.services.work_hours import WorkHours


@dataclass(frozen=True, kw_only=True)
class Services:
    """The store, the settings, and what this process remembers for a moment."""

    store: Store
    settings: WebSettings
    callers: Callers
    answers: GroupCommit
    guide: InstructionsCache
    logins: LoginLimits
    cords: RateLimit
    batches: TTLCache[list[Batch]]
    hours: WorkHours
    quality: QualityCache
    clock: DatabaseClock
    passed: set[str] = field(default_factory=set)
    """Names of labelers who passed the introduction."""
    read: dict[str, str | None] = field(default_factory=dict)
    """By person's id, the version of the instructions that they had read when last looked up."""

    def close(self) -> None:
        """Store what was taken, and stop."""
        self.answers.close()
        self.quality.close()


def make_services(store: Store, settings: WebSettings) -> Services:
    """Return the parts of an app; they are closed at its end."""
    return Services(
        store=store,
        settings=settings,
        callers=Callers(store.access),
        answers=GroupCommit(store),
        clock=DatabaseClock(store.now),
        guide=InstructionsCache(store.instructions),
        logins=LoginLimits(),
        cords=RateLimit(1, 3600),
        batches=TTLCache(store.queue.batches),
        hours=WorkHours(store.tallies),
        quality=QualityCache(store, Thresholds(pass_accuracy=settings.pass_accuracy)),
    )


async def _parts(request: Request) -> Services:
    parts: Services = request.app.state.parts
    return parts


Here = Annotated[Services, Depends(_parts)]
