"""Whether a labeler may have questions now: instructions read, introduction passed."""

from prefloop.figures.text import percent
from prefloop.web.http.errors import ApiError
from prefloop.web.services.services import Services


def require_ready(name: str, person_id: str, here: Services) -> None:
    """Refuse questions to somebody who must read first, or whose introduction went wrong."""
    if here.guide.current() is None:
        raise ApiError(
            409, "not_ready", "There are no instructions yet. The owner's run will publish them."
        )
    if here.guide.must_read(here.read.get(person_id)):
        here.read[person_id] = here.store.instructions.acknowledged(person_id)
        if here.guide.must_read(here.read[person_id]):
            raise ApiError(
                409, "instructions_changed", "The instructions have changed. Read them first."
            )
    if here.settings.claims.training_items > 0 and name not in here.passed:
        _require_passed(name, person_id, here)


def _require_passed(name: str, person_id: str, here: Services) -> None:
    person = here.store.people.by_id(person_id)
    if person is not None and person.qualification == "passed":
        here.passed.add(name)
        return
    examples = [c.is_right for c in here.store.gold.quality_checks(name) if c.kind == "training"]
    there_are = sum(gold.is_training for gold in here.store.gold.all())
    if len(examples) < min(here.settings.claims.training_items, there_are):
        return
    right = sum(is_right is True for is_right in examples)
    has_passed = not examples or right / len(examples) >= here.settings.pass_accuracy
    if examples and (has_passed or person is None or person.qualification is None):
        here.store.people.qualify(person_id, has_passed=has_passed)
    if not has_passed:
        raise ApiError(
            403,
            "not_passed",
            f"{right} of your {len(examples)} answers in the introduction were as expected, and "
            f"{percent(here.settings.pass_accuracy)} should be. Please talk to the owner of the "
            "run.",
        )
    here.passed.add(name)
