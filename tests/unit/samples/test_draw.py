"""Samples in the store: finished ones for labelers, the same ones after an interruption."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from prefloop.errors import InputError
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.named import NamedModels
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import CPU
from prefloop.progress import Silent
from prefloop.records import REFERENCE, Prompt, Purpose, Sample
from prefloop.samples.draw import SampleDrawer
from prefloop.samples.sampler import Sampler
from prefloop.settings.models import ModelsConfig
from prefloop.settings.samples import SamplesConfig
from prefloop.settings.task_presets import load_task
from prefloop.store.store import Store
from tests.stages_for_tests import disturb, token_of
from tests.unit.models.kept_versions import KeptVersions
from tests.wiring.runs import save_model

PROMPTS = [
    Prompt(id=f"p{i}", text=text, source="test", split="train")
    for i, text in enumerate(["The sun was warm.", "He was sad.", "Call me Ishmael.", "She sang."])
]


@pytest.fixture(scope="session")
def stopping_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in which the stop token is likely everywhere: few responses are drawn again."""
    return save_model(tmp_path_factory.mktemp("stopping"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_prompts(PROMPTS)
        yield opened


def drawer(
    folder: Path, store: Store, *, attempts: int = 8, batch_size: int = 8, **samples: Any
) -> SampleDrawer:
    tokenizer = load_tokenizer(folder)
    causal = load_causal(folder, tokenizer, runtime=CPU)
    roles = ModelRoles(causal, ModelsConfig(lora_rank=4), seed=1)
    task = load_task({"name": "sentiment", "stop": "e", "stop_min": 4, "response_tokens": 16})
    config = SamplesConfig(batch_size=batch_size, attempts=attempts, **samples)
    vocabulary = causal.get_output_embeddings().weight.shape[0]
    sampler = Sampler(tokenizer, task, config, vocabulary=vocabulary, device=CPU.device)
    models = NamedModels(
        roles, tokenizer, KeptVersions(roles), run=folder.parent / "run", say=Silent().say
    )
    return SampleDrawer(sampler, models, store, seed=1, progress=Silent())


def draw(
    drawer: SampleDrawer, prompts: list[Prompt], purpose: Purpose, model: str = REFERENCE
) -> list[Sample]:
    return drawer.draw(prompts, model=model, round=0, purpose=purpose, per_prompt=4)


def test_labelers_see_only_responses_that_ended(gpt2_folder: Path, store: Store) -> None:
    shown = draw(drawer(gpt2_folder, store), PROMPTS, "labels")
    judged = draw(drawer(gpt2_folder, store), PROMPTS, "evaluation")
    assert len(judged) == 16
    assert not all(sample.is_ended for sample in judged), "the rule must have something to refuse"
    assert shown
    assert all(sample.is_ended for sample in shown)


@pytest.mark.parametrize("after_stop", ["ignore", "train"])
def test_the_ids_of_a_sample_are_those_that_were_drawn(
    gpt2_folder: Path, store: Store, after_stop: str
) -> None:
    one = drawer(gpt2_folder, store, after_stop=after_stop)
    samples = one.draw(PROMPTS, model=REFERENCE, round=0, purpose="evaluation", per_prompt=64)
    stop, pad = token_of(one.sampler.tokenizer, "e"), one.sampler.tokenizer.pad_id
    assert len({s.is_ended for s in samples}) == 2
    for sample in samples:
        assert pad not in sample.response_ids
        is_whole = after_stop == "train" or not sample.is_ended
        if is_whole:
            assert len(sample.response_ids) == 16
        else:
            late = [i for i, token in enumerate(sample.response_ids) if token == stop and i >= 4]
            assert late == [len(sample.response_ids) - 1]


def test_more_attempts_find_more_that_ended(
    gpt2_folder: Path, store: Store, tmp_path: Path
) -> None:
    many = draw(drawer(gpt2_folder, store), PROMPTS, "labels")
    with Store.open(tmp_path / "other.db") as other:
        other.add_prompts(PROMPTS)
        few = draw(drawer(gpt2_folder, other, attempts=1), PROMPTS, "labels")
    assert len(few) < len(many) <= 16
    assert {sample.id for sample in few} <= {sample.id for sample in many}


def test_what_is_there_is_not_drawn_again(gpt2_folder: Path, store: Store, tmp_path: Path) -> None:
    """Detail 6: a draw depends on its name, not on what was drawn before it."""
    draw(drawer(gpt2_folder, store), PROMPTS[:2], "evaluation")
    resumed = draw(drawer(gpt2_folder, store), PROMPTS, "evaluation")
    with Store.open(tmp_path / "other.db") as other:
        other.add_prompts(PROMPTS)
        straight = draw(drawer(gpt2_folder, other), PROMPTS, "evaluation")
    assert resumed == straight
    assert store.samples() == straight


def test_responses_to_one_prompt_and_to_one_purpose_differ(gpt2_folder: Path, store: Store) -> None:
    one = draw(drawer(gpt2_folder, store), PROMPTS[:1], "evaluation")
    two = draw(drawer(gpt2_folder, store), PROMPTS[:1], "frontier")
    assert len({sample.response_ids for sample in [*one, *two]}) == 8


def test_a_batch_in_which_a_prompt_lacks_responses_gives_the_same_when_it_is_drawn_again(
    gpt2_folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that died between storing and noting draws again, and asks the same."""
    one = drawer(gpt2_folder, store)
    records = one._records

    def all_but_the_first_end(*args: Any) -> list[Sample]:
        return [replace(s, is_ended=s.prompt_id != PROMPTS[0].id) for s in records(*args)]

    monkeypatch.setattr(one, "_records", all_but_the_first_end)
    with monkeypatch.context() as dying:
        dying.setattr(store, "add_event", lambda *_: None)
        before = draw(one, PROMPTS[:2], "labels")
    assert {s.prompt_id for s in before} == {PROMPTS[1].id}
    assert draw(one, PROMPTS[:2], "labels") == before == store.samples()
    head = store.ledger_head()

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("drawn again, although it can give nothing else")

    with monkeypatch.context() as resumed:
        resumed.setattr(one.sampler, "sample", never)
        assert draw(one, PROMPTS[:2], "labels") == before == store.samples()
    assert store.ledger_head() == head, "nothing was made"
    with monkeypatch.context() as resumed:
        resumed.setattr(one.sampler, "sample", never)
        with pytest.raises(AssertionError, match="drawn again"):
            draw(one, [PROMPTS[0], PROMPTS[2]], "labels")
    more = drawer(gpt2_folder, store, attempts=60)
    assert {s.prompt_id for s in draw(more, PROMPTS[:2], "labels")} == {p.id for p in PROMPTS[:2]}


def test_another_batch_size_skips_no_prompt(stopping_folder: Path, store: Store) -> None:
    """Whoever resumes with larger batches finds some prompts of a batch drawn, and the rest not."""
    draw(drawer(stopping_folder, store, batch_size=4), PROMPTS[2:3], "labels")
    resumed = draw(drawer(stopping_folder, store, batch_size=16), PROMPTS, "labels")
    assert {s.prompt_id for s in resumed} >= {p.id for p in PROMPTS[1:]}


def test_comparisons_that_people_got_from_an_earlier_version_keep_their_samples(
    stopping_folder: Path, store: Store
) -> None:
    """Version 0.1 named a policy by its round; people may be answering when it is upgraded."""
    one = drawer(stopping_folder, store)
    updates = one.models.policy
    assert isinstance(updates, KeptVersions)
    updates.current_name = "policy/round-0-branch-1"
    before = draw(one, PROMPTS[1:], "labels", "policy/round-0-branch-1")
    updates.current_name = "policy/update-6-branch-1"
    updates.rounds = {0: "policy/update-6-branch-1"}
    assert draw(one, PROMPTS[1:], "labels", "policy/round-0") == before
    judged = draw(one, PROMPTS[1:], "evaluation", "policy/round-0")
    assert {s.model for s in judged} == {"policy/update-6-branch-1"}


def test_samples_of_a_name_are_those_of_its_weights(
    gpt2_folder: Path, store: Store, tmp_path: Path
) -> None:
    """A policy that was trained further has another name, and samples of its own."""
    one = drawer(gpt2_folder, store)
    updates = one.models.policy
    assert isinstance(updates, KeptVersions)
    updates.keep()
    early = draw(one, PROMPTS[:2], "evaluation", "policy/update-0")
    disturb(one.models.roles.policy)
    updates.current_name, updates.rounds = "policy/update-6", {0: "policy/update-6"}
    late = draw(one, PROMPTS, "evaluation", "policy/round-0")
    assert {s.model for s in late} == {"policy/update-6"}
    assert late[: len(early)] != early
    more = draw(one, PROMPTS, "evaluation", "policy/update-0")
    with Store.open(tmp_path / "other.db") as other:
        other.add_prompts(PROMPTS)
        assert draw(drawer(gpt2_folder, other), PROMPTS, "evaluation", "policy/update-0") == more
    assert more[: len(early)] == early
    with pytest.raises(InputError, match=r"policy/update-3 are not kept.*policy\.keep_every"):
        draw(one, PROMPTS, "evaluation", "policy/update-3")


def test_more_prompts_than_an_earlier_run_asked_for_are_added(
    gpt2_folder: Path, store: Store
) -> None:
    first = draw(drawer(gpt2_folder, store), PROMPTS[:3], "evaluation")
    more = draw(drawer(gpt2_folder, store), PROMPTS, "evaluation")
    assert more[: len(first)] == first
    assert [s.prompt_id for s in more] == [p.id for p in PROMPTS for _ in range(4)]
    assert store.samples() == more
