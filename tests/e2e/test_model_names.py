"""Model names mean weights: what is evaluated, shown and judged is what the name says."""

import re
import shutil
from pathlib import Path

import pytest
import torch

from prefloop.figures.evaluation import EvaluationFigures
from prefloop.functional.masking import masked_row_sums
from prefloop.models.loading import load_causal, load_tokenizer
from prefloop.models.padding import pad_left
from prefloop.models.roles import RoleModel
from prefloop.models.runtime import CPU
from prefloop.models.scoring import respond_forward
from prefloop.run_file import load_run_file
from prefloop.run_folder import read_run_folder
from prefloop.samples.sampler import Sampler
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run


@pytest.fixture
def run(finished_run: Path, tmp_path: Path) -> Path:
    """A finished run of one round and six updates that may be changed."""
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def evaluations(run: Path) -> dict[str, EvaluationFigures]:
    """Return the figures of every evaluated model."""
    return {file.figures.model: file.figures for file in read_run_folder(run).evaluations}


@torch.no_grad()
def likelihoods(run: Path, name: str, folder: Path) -> tuple[list[float], list[float]]:
    """Return the stored log-probabilities of a name's samples, and those under a model folder."""
    config = load_run_file(run / "run.yaml")
    tokenizer = load_tokenizer(folder)
    model = RoleModel(load_causal(folder, tokenizer, runtime=CPU), [], lambda: None)
    sampler = Sampler(
        tokenizer, config.task, config.samples, vocabulary=model.vocabulary, device=CPU.device
    )
    with Store.open(run / "prefloop.db") as store:
        samples = store.samples(model=name, purpose="evaluation")
        prompts = {p.id: p for p in store.prompts()}
    found: list[torch.Tensor] = []
    for sample in samples:
        query, mask = pad_left(
            [sampler.query_ids(prompts[sample.prompt_id])], tokenizer.pad_id, device=CPU.device
        )
        response = torch.tensor([sample.response_ids])
        forward = respond_forward(
            model,
            query,
            mask,
            response,
            temperature=config.task.temperature,
            banned=sampler.banned,
        )
        found += masked_row_sums(forward.logprobs, torch.ones_like(response, dtype=torch.bool))
    return [sample.logprob for sample in samples], [float(x) for x in found]


def test_a_policy_that_was_trained_further_is_evaluated_on_samples_of_its_own(
    prefloop: Command, run: Path
) -> None:
    """The weights changed and the figures did not: samples were found by the number of a round."""
    prefloop.done("run", run, "policy.episodes=192", "policy.lr=1e-2")
    figures = evaluations(run)
    assert set(figures) == {"policy/update-6", "policy/update-12"}
    early, late = figures["policy/update-6"].kl, figures["policy/update-12"].kl
    assert early is not None and late is not None
    assert late.value != early.value
    stored, computed = likelihoods(run, "policy/update-12", run / "policy" / "round-0")
    assert len(stored) == 16
    assert stored == pytest.approx(computed, abs=1e-2)
    stored, computed = likelihoods(run, "policy/update-6", run / "policy" / "round-0")
    assert stored != pytest.approx(computed, abs=1e-2), "those are of other weights"


def test_any_kept_update_and_any_folder_can_be_evaluated(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path / "run", gpt2_folder, rounds=1, policy={"keep_every": 2})
    prefloop.done("run", run)
    folder = Path(shutil.copytree(run / "policy" / "round-0", tmp_path / "elsewhere"))
    names = f"evaluation.models=[policy/update-2, policy/round-0, {folder}]"
    prefloop.done("run", run, names)
    figures = evaluations(run)
    assert set(figures) == {"policy/update-2", "policy/update-6", str(folder)}
    assert figures["policy/update-6"].round == 0
    assert figures["policy/update-2"].round is None
    stored, computed = likelihoods(run, str(folder), folder)
    assert stored == pytest.approx(computed, abs=1e-3)
    before = (run / "metrics.jsonl").read_bytes()
    prefloop.done("run", run, names)
    assert (run / "metrics.jsonl").read_bytes() == before, "all of it is there"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("policy/update-2", r"the weights of policy/update-2 are not kept. Kept are .*update-6"),
        ("policy/update-13", "this run will not reach: it ends with round 0 and update 12"),
        ("policy/round-1", "this run will not reach: it ends with round 0 and update 12"),
        ("./nowhere", "there is no such folder"),
        ("builtin:tiny", "has another vocabulary"),
    ],
)
def test_a_name_without_weights_is_refused_before_anything_is_done(
    prefloop: Command, run: Path, name: str, told: str
) -> None:
    before = sorted(run.rglob("*.json"))
    message = prefloop.refused("run", run, "policy.episodes=192", f"evaluation.models=[{name}]")
    assert re.search(told, message), message
    assert sorted(run.rglob("*.json")) == before


def test_a_judge_that_is_added_to_a_finished_run_is_asked(prefloop: Command, run: Path) -> None:
    prefloop.done("run", run, "evaluation.judges=[lexicon, imagery]")
    [win_rates] = [figures.win_rates for figures in evaluations(run).values()]
    assert [win_rate.judge for win_rate in win_rates] == ["lexicon", "imagery"]


def test_earlier_rounds_are_evaluated_from_their_kept_weights(
    prefloop: Command, two_rounds: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(two_rounds, tmp_path / "run"))
    assert set(evaluations(run)) == {"policy/update-6"}
    prefloop.done("run", run, "evaluation.every_round=true")
    assert set(evaluations(run)) == {"policy/update-3", "policy/update-6"}
    stored, computed = likelihoods(run, "policy/update-3", run / "policy" / "round-0")
    assert stored == pytest.approx(computed, abs=1e-2)


def test_another_round_without_updates_left_for_it_is_refused(prefloop: Command, run: Path) -> None:
    told = prefloop.refused("run", run, "rounds=2")
    assert "no update is left for round 1" in told and "Set policy.episodes to at least" in told
