"""Whether a labeler may get assignments: instructions read, qualification passed."""

from prefloop.figures.text import percent
from prefloop.web.http.errors import ApiError
from prefloop.web.services.instructions_cache import must_read
from prefloop.web.services.services import Services
from prefloop.web.strings import RefusalText, refusal


def is_known_ready(person_id: str, services: Services) -> bool:
    """Whether a labeler is ready as far as this process remembers; False: ask the store."""
    is_qualified = services.settings.claims.training_items == 0 or person_id in services.qualified
    versions = services.instructions.remembered()
    return is_qualified and not must_read(versions, services.read_versions.get(person_id))


def require_ready(name: str, person_id: str, services: Services) -> None:
    """Raise an ApiError if a labeler must read the instructions first, or is not qualified."""
    if services.instructions.current() is None:
        raise ApiError(409, "not_ready", refusal("start.no_instructions"))
    if services.instructions.must_read(services.read_versions.get(person_id)):
        services.read_versions[person_id] = services.store.instructions.acknowledged(person_id)
        if services.instructions.must_read(services.read_versions[person_id]):
            raise ApiError(409, "instructions_changed", refusal("start.instructions_changed"))
    refused = judge_introduction(name, person_id, services)
    if refused is not None:
        raise ApiError(403, "not_passed", refused)


def judge_introduction(name: str, person_id: str, services: Services) -> RefusalText | None:
    """Record whether a labeler has passed the introduction, once all of it is answered.

    Return why they have not; None if they have, if there is none, or if it is not over.
    """
    if services.settings.claims.training_items == 0 or person_id in services.qualified:
        return None
    person = services.store.people.by_id(person_id)
    if person is not None and person.qualification == "passed":
        services.qualified.add(person_id)
        return None
    checks = services.store.gold.quality_checks(name)
    examples = [check.is_right for check in checks if check.kind == "training"]
    n_training = sum(gold.is_training for gold in services.store.gold.all())
    if len(examples) < min(services.settings.claims.training_items, n_training):
        return None
    right, bar = sum(is_right is True for is_right in examples), services.settings.pass_accuracy
    has_passed = not examples or right / len(examples) >= bar
    if examples:
        is_failed = person is not None and person.qualification == "failed"
        # Whoever failed under an earlier version was not excluded then.
        is_kept_out = is_failed and name in services.store.exclusions.excluded()
        if has_passed or not is_kept_out:
            reason = f"{right} of {len(examples)} answers in the introduction were right."
            services.store.exclusions.qualify(person_id, has_passed=has_passed, reason=reason)
            services.quality.invalidate()
    if has_passed:
        services.qualified.add(person_id)
        return None
    return refusal("start.not_passed", right=str(right), n=str(len(examples)), bar=percent(bar))
