"""The steps of a round that train: the reward model on labels, the policy against it."""

from collections.abc import Iterable

from prefloop.evaluation.evaluate import outdate_evaluation
from prefloop.policy.best_of_n import BestOfNTrainer
from prefloop.policy.reward_source import metered_reward
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.run.labeled_pairs import learn_from_labels
from prefloop.run.stages import Stages
from prefloop.run.usage import recording_usage
from prefloop.settings.comparisons import PEOPLE
from prefloop.store.store import Store


def train_while_waiting(stages: Stages, round_number: int) -> None:
    """Train the policy against the earlier reward model while people answer this round.

    A share of the updates is left for the reward model that learns from their answers.
    """
    comparisons, rounds, people = stages.config.comparisons, stages.rounds, stages.people
    if not stages.config.policy.trains:
        return  # There is nothing to choose by but what people are about to teach.
    if comparisons.wait == "always" or round_number == 0 or not rounds.asks_people(round_number):
        return
    start, end = rounds.last_update(round_number - 1), rounds.last_update(round_number)
    limit = start + int(comparisons.people.ahead * (end - start))
    if stages.policy.update >= limit or people.is_answered(round_number):
        return
    train_reward_model(stages, round_number - 1)
    stages.monitor.before_making()
    stages.canaries.before_training(stages.prompts_of("train"))
    learn_from_labels(stages, round_number - 1)
    stages.policy.train(
        round_number,
        limit,
        stages.prompts_of("train"),
        note={"reward_round": round_number - 1},
        is_over=lambda: people.is_answered(round_number) or stages.live.is_used_up(),
    )
    stages.monitor.note = ""


def choose_by_reward(stages: Stages, round_number: int) -> None:
    """Tell a policy that is best of n by which reward it chooses from the next update on."""
    trainer, config = stages.policy.trainer, stages.config.policy
    if isinstance(trainer, BestOfNTrainer):
        learned = config.uses_reward_model
        trainer.reward = f"rewards/round-{round_number}" if learned else config.reward


def train_reward_model(stages: Stages, round_number: int) -> None:
    """Train the round's reward model, from the base, on all labels so far."""
    is_trained = stages.rewards.is_trained(round_number)
    if not is_trained:
        stages.monitor.before_making()
    as_of = None
    if stages.config.comparisons.labelers == PEOPLE:
        cutoff = stages.policy.lineage.label_cutoff
        as_of = stages.people.freeze(round_number, label_cutoff=cutoff)
    stages.canaries.before_reward_model(round_number)
    reference = _reference_samples(stages)
    stages.rewards.train(round_number, reference, stages.metrics, as_of=as_of)
    if not is_trained:
        stages.canaries.after_reward_model(round_number)


def train_policy(stages: Stages, round_number: int) -> None:
    """Train the policy up to the round's last update, and export it."""
    end = stages.rounds.last_update(round_number)
    if stages.policy.update < end or not stages.policy.exports.is_whole(round_number):
        stages.monitor.before_making()
    if stages.policy.update < end:
        outdate_evaluation(stages.folder, round_number)
    reward = metered_reward(stages.policy.trainer.collector.reward)
    with recording_usage(stages.folder, stages.monitor, reward):
        if stages.policy.update < end:
            stages.canaries.before_training(stages.prompts_of("train"))
            learn_from_labels(stages, round_number)
            choose_by_reward(stages, round_number)
        stages.policy.train_round(round_number, end, stages.prompts_of("train"))
    stages.canaries.note_releases()
    if round_number == stages.config.rounds - 1:
        stages.live.close()


def drawn_for_labels(store: Store, train: Iterable[Prompt]) -> list[Sample]:
    """Return the reference's samples of training prompts that were drawn for the first labels.

    Imported labels may bring prompts that this run does not ask about: theirs are left out.
    """
    ids = {prompt.id for prompt in train}
    drawn = store.samples(model=REFERENCE, round=0, purpose="labels")
    return [sample for sample in drawn if sample.prompt_id in ids]


def _reference_samples(stages: Stages) -> list[Sample]:
    """Return the samples that normalize the reward model: the reference's, cut like all others.

    Those drawn for the first labels serve again; more are drawn if they are too few.
    """
    wanted = stages.config.rewards.normalize_samples
    train = drawn_for_labels(stages.store, stages.prompts_of("train"))[:wanted]
    if len(train) == wanted:
        return train
    more = stages.shuffled_prompts("train", "normalization prompts")[: wanted - len(train)]
    return train + stages.drawer.draw(
        more, model=REFERENCE, round=0, purpose="normalization", per_prompt=1
    )
