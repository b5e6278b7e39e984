"""Settings of `audits` that say which canaries are looked at, and when."""

from collections.abc import Callable
from pathlib import Path

import pytest

from prefloop.run_folder import read_canaries
from tests.stages_for_tests import disturb
from tests.wiring.runs import assembled
from tests.wiring.wires import Settings, covers


def stopped_by(settings: Settings, folder: Path) -> str | None:
    """Start with a policy that is not the reference any more; return who asks to stop."""
    with assembled(settings, folder) as stages:
        disturb(stages.policy.trainer.collector.roles.policy)
        stages.canaries.before_training(stages.prompts_of("train"))
        request = stages.store.stop_requests.active()
        return None if request is None else request.pulled_by


@covers("audits.start_checks", "audits.canaries_off")
def test_start_checks_and_single_canaries_can_be_switched_off(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    assert stopped_by(base, new_folder()) == "start check C6"
    for off in ({"audits.start_checks": False}, {"audits.canaries_off": ["C6"]}):
        assert stopped_by({**base, **off}, new_folder()) is None
    assert stopped_by({**base, "audits.canaries_off": ["C3"]}, new_folder()) == "start check C6"


def test_c6_draws_nothing_where_it_is_off(
    base: Settings, new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "prefloop.run.canaries.log_probability_gaps",
        lambda *given: pytest.fail("it drew responses"),
    )
    assert stopped_by({**base, "audits.canaries_off": ["C6"]}, new_folder()) is None


@covers("audits.canaries_off")
def test_a_stop_is_released_by_switching_its_canary_off(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    folder = new_folder()
    cases: list[tuple[str, tuple[str, ...], Settings, bool]] = [
        ("canary C6", (), {}, False),
        ("canary C6", (), {"audits.canaries_off": ["C6"]}, True),
        ("canary C6", (), {"audits.start_checks": False}, False),
        ("start check C6", (), {"audits.start_checks": False}, True),
        ("canary C6", ("ann",), {"audits.canaries_off": ["C6"]}, False),
        ("ann", (), {"audits.canaries_off": ["C6"]}, False),
    ]
    for by, added, changes, is_released in cases:
        with assembled({**base, **changes}, folder) as stages:
            requests = stages.store.stop_requests
            for name in (by, *added):
                requests.pull(name, "it swears")
            stages.canaries.release_switched_off()
            active = requests.active()
            assert (active is None) == is_released, (by, changes)
            if active is not None:
                requests.release(active.id, "olga", "all", "resume")


@covers("audits.probe_every")
def test_known_texts_are_looked_at_every_so_many_updates(
    base: Settings, new_folder: Callable[[], Path]
) -> None:
    for every, seen in ((50, []), (3, ["C4"])):
        folder = new_folder()
        with assembled({**base, "audits.probe_every": every}, folder) as stages:
            for update in (1, 2, 3):
                stages.canaries.after_update({"update": update})
        assert [r.name for r in read_canaries(folder) if r.name == "C4"] == seen
