"""The labels of a round for a policy that learns from them without a reward model."""

from collections.abc import Iterator

from prefloop.comparisons.pairs import preference_pairs
from prefloop.errors import InputError
from prefloop.figures.text import counted
from prefloop.models.pretrained import context_of
from prefloop.policy.pair_batches import LabeledPair, can_be_learned
from prefloop.policy.pair_hash import StoredLabels, pair_hashes
from prefloop.run.stages import Stages
from prefloop.run_file import recorded_run
from prefloop.run_folder import read_provenance
from prefloop.samples.sampler import Sampler


def learn_from_labels(stages: Stages, reward_round: int) -> None:
    """Give the policy the labels of a round's reward model, if its method learns from labels.

    What it is given is first compared with what the store holds (canary C8).
    """
    labeled = stages.policy.trainer.labeled
    if labeled is None:
        return
    sampler, roles = labeled.collector.sampler, labeled.collector.roles
    context = context_of(roles.policy.causal.config)

    def can_learn(pair: LabeledPair) -> bool:
        return can_be_learned(pair, sampler, context)

    stored = stored_labels(stages, reward_round)
    pairs = list(labeled_pairs(stored, sampler))
    fitting = list(filter(can_learn, pairs))
    if left := len(pairs) - len(fitting):
        stages.monitor.say(
            f"{left} of {counted(len(pairs), 'labeled pair')} left out of the policy's training: "
            "a text has tokens that this run cannot sample, or its prompt is too long."
        )
    if not stages.canaries.is_off("C8"):
        found = pair_hashes(labeled.rows(fitting), stored, sampler, can_learn=can_learn)
        stages.canaries.after_export(found)
        stages.monitor.check_stop("between policy updates")
    labeled.learn_from(fitting)


def stored_labels(stages: Stages, reward_round: int) -> StoredLabels:
    """Return the labels that a round's reward model learned from.

    Its record says up to which event of the ledger: answers that come later are for later rounds,
    and a resumed run learns from the same ones.
    """
    made = read_provenance(stages.folder / "rewards" / f"round-{reward_round}")
    if made is None or made.labels is None:
        raise InputError(
            f"rewards/round-{reward_round} does not say which labels it was made with, and "
            "policy.method dpo learns from the same ones. Delete the folder and run again: the "
            "reward model is trained once more, and the labels are kept."
        )
    store = stages.store
    labels = store.labels(split="train", as_of=made.labels.ledger_events, for_training=True)
    config = recorded_run(made.settings, "reward model") if made.settings else stages.config
    answered = {label.comparison_id for label in labels}
    asked = [each for each in store.comparisons(split="train") if each.id in answered]
    return StoredLabels(
        comparisons=asked,
        labels=labels,
        samples=store.samples_by_id([name for each in asked for name in each.sample_ids]),
        prompts={prompt.id: prompt for prompt in store.prompts()},
        strength=config.rewards.strength,
    )


def labeled_pairs(stored: StoredLabels, sampler: Sampler) -> Iterator[LabeledPair]:
    """Yield labels as pairs of responses, each cut to as many tokens as the policy writes."""

    def response_ids(prompt_id: str, sample_id: str) -> tuple[int, ...]:
        text = stored.prompts[prompt_id].text
        query, limit = sampler.queries.reward_query(text), sampler.task.response_tokens
        return tuple(sampler.sample_ids(text, stored.samples[sample_id])[len(query) :][:limit])

    for pair in preference_pairs(stored.comparisons, stored.labels, stored.strength):
        one, other = (response_ids(pair.prompt_id, name) for name in pair.sample_ids)
        yield LabeledPair(stored.prompts[pair.prompt_id], (one, other), pair.votes)
