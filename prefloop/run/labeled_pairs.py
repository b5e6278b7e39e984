"""The labels of a round for a policy that learns from them without a reward model."""

from prefloop.comparisons.pairs import preference_pairs
from prefloop.errors import InputError
from prefloop.figures.text import counted
from prefloop.models.pretrained import context_of
from prefloop.policy.pair_batches import LabeledPair, can_be_learned
from prefloop.run.stages import Stages
from prefloop.run_file import recorded_run
from prefloop.run_folder import read_provenance


def learn_from_labels(stages: Stages, reward_round: int) -> None:
    """Give the policy the labels of a round's reward model, if its method learns from labels."""
    labeled = stages.policy.trainer.labeled
    if labeled is None:
        return
    pairs = labeled_pairs(stages, reward_round)
    sampler, roles = labeled.collector.sampler, labeled.collector.roles
    context = context_of(roles.policy.causal.config)
    fitting = [pair for pair in pairs if can_be_learned(pair, sampler, context)]
    if left := len(pairs) - len(fitting):
        stages.monitor.say(
            f"{left} of {counted(len(pairs), 'labeled pair')} left out of the policy's training: "
            "a text has tokens that this run cannot sample, or its prompt is too long."
        )
    labeled.learn_from(fitting)


def labeled_pairs(stages: Stages, reward_round: int) -> list[LabeledPair]:
    """Return the labels that a round's reward model learned from, as pairs of responses.

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
    store, sampler = stages.store, stages.policy.trainer.collector.sampler
    labels = store.labels(split="train", as_of=made.labels.ledger_events, for_training=True)
    config = recorded_run(made.settings, "reward model") if made.settings else stages.config
    strength = config.rewards.strength
    found = preference_pairs(store.comparisons(split="train"), labels, strength)
    samples = store.samples_by_id([name for pair in found for name in pair.sample_ids])
    prompts = {prompt.id: prompt for prompt in store.prompts()}

    def response_ids(prompt_id: str, sample_id: str) -> tuple[int, ...]:
        text = prompts[prompt_id].text
        query, limit = sampler.queries.reward_query(text), sampler.task.response_tokens
        return tuple(sampler.sample_ids(text, samples[sample_id])[len(query) :][:limit])

    return [
        LabeledPair(
            prompts[pair.prompt_id],
            (
                response_ids(pair.prompt_id, pair.sample_ids[0]),
                response_ids(pair.prompt_id, pair.sample_ids[1]),
            ),
            pair.votes,
        )
        for pair in found
    ]
