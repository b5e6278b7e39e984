"""A run that trains nothing: best of n by the round's reward model, through the whole loop."""

import json
import runpy
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

import prefloop as package
from prefloop.errors import InputError
from prefloop.figures.reading import read_best_of_n
from prefloop.files import verify_folder
from prefloop.functional.best_of_n import best_of_n_kl
from prefloop.metrics import MetricsLog
from prefloop.policy.best_of_n import BestOfNTrainer
from prefloop.records import REFERENCE
from prefloop.run_folder import read_provenance, read_run_folder
from prefloop.store.store import Store
from tests.e2e.command import Command
from tests.e2e.small_run import make_run

N = 4
BOUND = "at most 0.64 nats"


def run_of(folder: Path, model: Path, **changes: Any) -> Path:
    """Return a run of two rounds that has not begun."""
    policy = {"method": "best_of_n", "options": {"n": N}}
    return make_run(folder, model, policy=policy, **changes)


def state_of(run: Path) -> str:
    """Return what a resumed run shares with a straight one, without the run's own path."""
    with Store.open(run / "prefloop.db") as store:
        rows = (*store.samples(), *store.comparisons(), *store.labels(), *store.verdicts())
        store.verify_chain()
    found = sorted(map(repr, rows))
    files = [run / "metrics.jsonl", *sorted(run.glob("policy/*/best_of_n.json"))]
    weights = [path.read_bytes() for path in sorted(run.glob("rewards/*/*.safetensors"))]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return repr((found, texts, weights)).replace(str(run), "RUN")


def test_it_goes_through_the_whole_loop_and_resumes(
    prefloop: Command, gpt2_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, stopped = (run_of(tmp_path / name, gpt2_folder) for name in ("one", "other"))
    told = prefloop.done("run", straight)
    assert f"is the best of {N} of the untuned model by the round's reward" in told.err
    made = state_of(straight)
    its_folders_and_samples_are_what_they_say(straight, gpt2_folder)
    it_is_said_wherever_one_looks(prefloop, straight)
    its_card_runs_as_printed(straight, monkeypatch)
    it_can_be_tried_and_not_copied(prefloop, straight, gpt2_folder, tmp_path / "copy")
    step = BestOfNTrainer.step

    def interrupted(self: BestOfNTrainer, prompts: Any) -> dict[str, float]:
        stops.append(self.update)
        if stops.count(self.update) == 1:
            raise KeyboardInterrupt
        return step(self, prompts)

    stops: list[int] = []
    monkeypatch.setattr(BestOfNTrainer, "step", interrupted)
    while prefloop("run", stopped).code:
        assert len(stops) < 4
    assert stops == [0, 0, 1, 1], "before either round's only update"
    assert state_of(stopped) == made


def its_folders_and_samples_are_what_they_say(run: Path, model: Path) -> None:
    """No weights; later labels are about the best of n; nothing has a log-ratio."""
    lines = [x for x in MetricsLog(run / "metrics.jsonl").lines() if x["stage"] == "policy"]
    assert [(x["update"], x["episodes"], x["method"]) for x in lines] == [
        (1, 0, "best_of_n"),
        (2, 0, "best_of_n"),
    ]
    for number in (0, 1):
        folder = run / "policy" / f"round-{number}"
        found = read_best_of_n(folder)
        assert found is not None and found == read_best_of_n(run / f"policy/update-{number + 1}")
        assert (found.n, found.reward) == (N, f"rewards/round-{number}")
        assert found.base == str(model) and not list(folder.glob("*.safetensors"))
        made = read_provenance(folder)
        assert made is not None and made.episodes == 0
        assert [parent.name for parent in made.parents] == [f"rewards/round-{number}"]
        assert verify_folder(folder) == []
    with Store.open(run / "prefloop.db") as store:
        asked = {s.round: s.model for s in store.samples(purpose="labels")}
        judged = store.samples(purpose="evaluation", model="policy/update-2")
        reference = store.samples(purpose="evaluation", model=REFERENCE)
    assert asked == {0: REFERENCE, 1: "policy/update-1"}
    assert len(judged) == len(reference) == 16
    assert all(s.log_ratio is None and s.ref_logprob is not None for s in judged)
    assert [s.text for s in judged] != [s.text for s in reference]


def it_is_said_wherever_one_looks(prefloop: Command, run: Path) -> None:
    """Figures, verdict, report, doctor and the audit of over-optimization: a bound, no KL."""
    (file,) = read_run_folder(run).evaluations
    figures = file.figures
    assert figures.kl is None and figures.kl_at_most == best_of_n_kl(N)
    assert BOUND in figures.missing["kl"] and f"at a KL of {BOUND}" in figures.verdict
    frontier = figures.frontier
    assert frontier is not None and frontier.model.is_bound
    assert frontier.model.kl_nats.value == best_of_n_kl(N)
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert "Training: best_of_n" in page and "at most 0.64" in page
    assert f"nothing is trained: of {N} responses of the reference" in page
    assert "rows-kl" not in page, "no answer has a KL of its own"
    checks = prefloop.done("doctor", run, "--json")
    assert "best_of_n made 2 updates" in checks.out and BOUND in checks.out
    assert not [r for r in json.loads(checks.out)["results"] if r["status"] == "bad"]
    told = prefloop.done("audit", "overoptimization", run, "--json").json()
    assert {curve["kind"] for curve in told["curves"]} == {"best of n"}
    assert any("nothing measures their KL" in note for note in told["notes"])


def its_card_runs_as_printed(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of drawing from the policy, in its folder.

    tests/unit/report/test_card_code.py has the second in a process that knows transformers alone.
    """
    folder = run / "policy" / "round-1"
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert "It is not a plain causal language model" in card and BOUND in card
    pieces = [part.split("```")[0] for part in card.split("```python\n")[1:]]
    assert len(pieces) == 2
    with monkeypatch.context() as patch:
        patch.chdir(folder)
        for piece in pieces:
            script = run / "piece.py"
            script.write_text(piece, encoding="utf-8")
            with redirect_stdout(StringIO()) as printed:
                runpy.run_path(str(script))
            assert printed.getvalue().strip()


def it_can_be_tried_and_not_copied(prefloop: Command, run: Path, model: Path, copy: Path) -> None:
    """`samples try` draws and chooses; a folder without weights is not handed out as a model."""
    told = prefloop.done("samples", "try", run, "She sang", "-n", 3, "--json").json()
    assert told["model"] == "policy/update-2" and len(told["responses"]) == 3
    assert told["responses"] != told["reference_responses"]
    assert prefloop.done("samples", "try", run, "She sang", "-n", 3, "--json").json() == told
    made = package.Run(run, quiet=True)
    assert made.sample("She sang", n=3, model="policy/round-1") == [told["responses"]]
    with pytest.raises(InputError, match=f"it is the best of {N} responses of {model}"):
        made.save(copy)
    assert not copy.exists()
    refused = prefloop.refused("run", run, f"evaluation.models=['{run}/policy/round-1']")
    assert "holds a policy without weights" in refused


def test_a_known_scorer_can_choose(prefloop: Command, gpt2_folder: Path, tmp_path: Path) -> None:
    run = run_of(tmp_path / "run", gpt2_folder, rounds=1)
    prefloop.done("run", run, "policy.reward=length", "policy.options.n=8")
    found = read_best_of_n(run / "policy" / "round-0")
    assert found is not None and (found.reward, found.n) == ("length", 8)
    card = (run / "policy" / "round-0" / "README.md").read_text(encoding="utf-8")
    assert "the scorer `length` scores highest" in card and "import torch" not in card
