"""The steps of a round that give labels: comparisons are made, asked, and waited for."""

from prefloop.comparisons.collect_labels import collect_labels
from prefloop.comparisons.labelers.registry import build_labelers, metered_parts
from prefloop.records import REFERENCE, Comparison
from prefloop.run.schedule import labels_asked, questions_in
from prefloop.run.stages import Stages
from prefloop.run.usage import recording_usage
from prefloop.settings.comparisons import NOBODY


def collect_comparisons(stages: Stages, round_number: int) -> None:
    """Make the round's comparisons from samples of the newest policy, and have them answered.

    Labelers that are programs answer at once; people find the comparisons in their queue. A run
    that is to end with its samples leaves them unanswered.
    """
    config, rounds = stages.config, stages.rounds
    asks_people = rounds.asks_people(round_number)
    if config.comparisons.labelers == NOBODY or rounds.has_reward_model(round_number):
        return
    # A policy that was trained further is another one: the comparisons stay as they are.
    is_moved = stages.policy.update > rounds.last_update(round_number - 1)
    if asks_people and stages.people.is_settled(round_number, is_moved=is_moved):
        return
    is_answered = rounds.reaches("comparisons")
    questions = []
    before = labels_asked(stages.store.comparisons(), config.comparisons, round_number)
    for part in questions_in(config.comparisons, round_number, config.rounds, asked=before):
        of_split = _questions(stages, round_number, part.split, part.questions)
        questions += [(question, part.overlap) for question in of_split]
        if is_answered and not asks_people:
            _collect_labels(stages, part.split, of_split, part.overlap)
    if is_answered and asks_people:
        if stages.store.queue.batch(round_number) is None:
            stages.monitor.before_making()
        stages.people.ask(round_number, questions)


def wait_for_people(stages: Stages, round_number: int) -> None:
    """Wait until people have answered the round's comparisons, if they are asked."""
    if stages.rounds.asks_people(round_number):
        stages.people.wait(round_number)


def _questions(stages: Stages, round_number: int, split: str, wanted: int) -> list[Comparison]:
    """Return the round's comparisons of a split, made from samples of the newest policy."""
    model = REFERENCE if round_number == 0 else stages.policy.name_of(round_number - 1)
    if model == stages.policy.current_name:
        stages.policy.keep_weights()
    return stages.builder.build(
        stages.shuffled_prompts(split, f"label prompts {split}"),
        round=round_number,
        split=split,
        model=model,
        wanted=wanted,
    )


def _collect_labels(stages: Stages, split: str, questions: list[Comparison], overlap: int) -> None:
    """Have comparisons answered that are not answered yet."""
    monitor = stages.monitor
    labelers = build_labelers(stages.config)
    with recording_usage(stages.folder, monitor, metered_parts(labelers)):
        collect_labels(
            labelers,
            questions,
            stages.store,
            overlap=overlap,
            seed=stages.config.seed,
            progress=lambda done, total: monitor.count(f"{split} labels", done, total),
            check_stop=monitor.check_stop,
            before_making=monitor.before_making,
        )
