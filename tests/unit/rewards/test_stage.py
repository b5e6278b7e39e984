"""The rewards stage: what is written beside the reward model."""

from pathlib import Path
from typing import Literal

from prefloop.figures.reading import read_trust
from prefloop.metrics import MetricsLog
from prefloop.models.loading import Tokenizer
from prefloop.records import Comparison, Label, Prompt
from prefloop.rewards.model import RewardModel
from prefloop.rewards.stage import RewardStage
from prefloop.rewards.trust import response_lengths
from prefloop.run_file import parse_run
from prefloop.run_folder import read_provenance
from prefloop.store.store import Store
from tests.stages_for_tests import PROMPTS, fill, roles_on, sample_of, sampler_on
from tests.unit.rewards.test_trainer import Heard

LONG = "The rain fell on the grey town, and nobody came to the door. " * 4


def _ask_about_length(store: Store, tokenizer: object) -> None:
    """Add a validation question with a long query, whose chosen response is twice the other."""
    prompt = Prompt(id="long", text=LONG, source="test", split="validation")
    short, double = ([7] * 3, [7] * 6)
    samples = [sample_of(prompt, ids, n, tokenizer) for n, ids in enumerate((short, double))]  # type: ignore[arg-type]
    comparison = Comparison(
        id="c-long",
        prompt_id=prompt.id,
        sample_ids=tuple(sample.id for sample in samples),
        round=0,
        split="validation",
    )
    label = Label(
        id="l-long",
        comparison_id=comparison.id,
        labeler="ann",
        answer="best",
        chosen=samples[1].id,
        shown=comparison.sample_ids,
        seconds=1.0,
        instructions="1",
    )
    store.add_prompts([prompt])
    store.add_samples(samples)
    store.add_comparisons([comparison])
    store.add_labels([label])


def test_length_is_that_of_the_response_whatever_the_query(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    """Query and response together would be about equally long: 3 tokens in more than 50."""
    tokenizer, roles = roles_on(gpt2_folder)
    sampler = sampler_on(tokenizer, roles)
    with Store.open(tmp_path / "prefloop.db") as store:
        samples = fill(store, tokenizer)
        _ask_about_length(store, tokenizer)
        stage = RewardStage(
            RewardModel(roles, pad_id=tokenizer.pad_id, seed=1),
            sampler,
            parse_run({"rewards": {"batch_size": 8, "normalize_samples": 8}}, "run.yaml"),
            store,
            run=tmp_path,
            progress=Heard(),
        )
        stage.train(0, samples[:8], MetricsLog(tmp_path / "metrics.jsonl"))
        head = store.events()[-1]
    path = tmp_path / "rewards/round-0/trust.json"
    validation = read_trust(path.read_text(), str(path)).validation
    assert validation is not None
    assert [row.bucket for row in validation.by_length] == ["chosen is longer"]
    assert validation.length_only.rule == "longest"
    assert len(PROMPTS) == read_trust(path.read_text(), str(path)).labels
    made = read_provenance(path.parent)
    assert made is not None and made.labels is not None
    assert made.settings["rewards"]["normalize_samples"] == 8
    assert (made.labels.train, made.labels.validation) == (len(PROMPTS), 1)
    assert made.shares_queries is True
    assert made.labels.samples_shown == {"4": len(PROMPTS)}
    assert (made.labels.ledger_events, made.labels.ledger_hash) == (head.sequence, head.hash)


def test_response_lengths_by_hand() -> None:
    assert response_lengths([[[1, 2, 3], [1, 2]], [[5, 6, 7, 8]]], [1, 3]) == [2, 1, 1]


def test_one_long_answer_is_named_and_stops_no_training(gpt2_folder: Path, tmp_path: Path) -> None:
    """A text of 200 tokens that came with an import; the model reads 128."""
    tokenizer, roles = roles_on(gpt2_folder)
    heard = Heard()
    with Store.open(tmp_path / "prefloop.db") as store:
        samples = fill(store, tokenizer)
        _add_long_answer(store, tokenizer, "train")
        _add_long_answer(store, tokenizer, "validation")
        stage = RewardStage(
            RewardModel(roles, pad_id=tokenizer.pad_id, seed=1),
            sampler_on(tokenizer, roles),
            parse_run({"rewards": {"batch_size": 8, "normalize_samples": 8}}, "run.yaml"),
            store,
            run=tmp_path,
            progress=heard,
        )
        stage.train(0, samples[:8], MetricsLog(tmp_path / "metrics.jsonl"))
    path = tmp_path / "rewards/round-0/trust.json"
    figures = read_trust(path.read_text(), str(path))
    assert (figures.labels, figures.validation) == (len(PROMPTS), None)
    train, validation = heard.said
    assert train.startswith(f"1 of {len(PROMPTS) + 1} labeled comparisons left out")
    assert "Comparison c-train (pairs.jsonl, line 21) has 2" in train
    assert "more tokens than the 128 that the model reads" in train
    assert "Comparison c-validation (pairs.jsonl, line 21)" in validation


def _add_long_answer(
    store: Store, tokenizer: Tokenizer, split: Literal["train", "validation"]
) -> None:
    prompt = Prompt(id=split, text="The day.", source="pairs.jsonl, line 21", split=split)
    samples = [sample_of(prompt, [7] * (3 + 197 * n), n, tokenizer) for n in range(2)]
    names = tuple(sample.id for sample in samples)
    store.add_prompts([prompt])
    store.add_samples(samples)
    comparison = Comparison(
        id=f"c-{split}", prompt_id=prompt.id, sample_ids=names, round=0, split=split
    )
    store.add_comparisons([comparison])
    store.add_labels(
        [
            Label(
                id=f"l-{split}",
                comparison_id=comparison.id,
                labeler="trl",
                answer="best",
                chosen=names[1],
                shown=names,
                seconds=1.0,
                instructions="1",
            )
        ]
    )
