"""Whether a labeler may get assignments: instructions read, qualification passed."""

from prefloop.figures.text import percent
from prefloop.web.http.errors import ApiError
from prefloop.web.services.services import Services


def require_ready(name: str, person_id: str, services: Services) -> None:
    """Raise an ApiError if a labeler must read the instructions first, or is not qualified."""
    if services.instructions.current() is None:
        raise ApiError(
            409, "not_ready", "There are no instructions yet. The owner's run will publish them."
        )
    if services.instructions.must_read(services.read_versions.get(person_id)):
        services.read_versions[person_id] = services.store.instructions.acknowledged(person_id)
        if services.instructions.must_read(services.read_versions[person_id]):
            raise ApiError(
                409, "instructions_changed", "The instructions have changed. Read them first."
            )
    if services.settings.claims.training_items > 0 and name not in services.qualified:
        _require_passed(name, person_id, services)


def _require_passed(name: str, person_id: str, services: Services) -> None:
    person = services.store.people.by_id(person_id)
    if person is not None and person.qualification == "passed":
        services.qualified.add(name)
        return
    examples = [
        c.is_right for c in services.store.gold.quality_checks(name) if c.kind == "training"
    ]
    n_training = sum(gold.is_training for gold in services.store.gold.all())
    if len(examples) < min(services.settings.claims.training_items, n_training):
        return
    right = sum(is_right is True for is_right in examples)
    has_passed = not examples or right / len(examples) >= services.settings.pass_accuracy
    if examples and (has_passed or person is None or person.qualification is None):
        services.store.people.qualify(person_id, has_passed=has_passed)
    if not has_passed:
        raise ApiError(
            403,
            "not_passed",
            f"{right} of your {len(examples)} answers in the introduction were as expected, and "
            f"{percent(services.settings.pass_accuracy)} should be. Please talk to the owner of "
            "the run.",
        )
    services.qualified.add(name)
