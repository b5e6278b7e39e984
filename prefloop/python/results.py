"""What a run made, found in its folder."""

import shutil
from pathlib import Path

from prefloop.errors import InputError
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.reading import read_best_of_n
from prefloop.figures.sentence import with_verdict
from prefloop.files import MANIFEST, verify_folder, write_folder
from prefloop.python.shown import TextPair, TextPairs
from prefloop.report.pairs import pairs_of_evaluation
from prefloop.rewards.own_texts import reward_models
from prefloop.run_folder import OF_ROUND, RunFigures, read_run_folder
from prefloop.run_store import open_run_store
from prefloop.settings.run import RunConfig

KINDS = ("policy", "reward_model")


def evaluation_of(run: RunFigures, name: str) -> EvaluationFigures:
    """Return the figures of a policy, by the name of its update or of its round."""
    found = [file.figures for file in run.evaluations]
    named = [f for f in found if name in (f.model, f"policy/round-{f.round}")]
    assert named, f"{name} was judged a moment ago"
    return named[-1]


def as_judged_by(figures: EvaluationFigures, judge: str) -> EvaluationFigures:
    """Return figures whose verdict is that of one judge, whoever else judged."""
    others = [name for name in figures.judges or () if name != judge]
    return with_verdict(figures.model_copy(update={"judges": (judge, *others)}))


def text_pairs(config: RunConfig, folder: Path, n: int) -> TextPairs:
    """Return `n` random pairs of the latest evaluation, as `prefloop show` prints them."""
    latest = read_run_folder(folder).latest
    if latest is None:
        raise InputError(f"{folder} has evaluated no policy yet. Call train() first.")
    with open_run_store(config, folder, read_only=True) as store:
        found = pairs_of_evaluation(store, latest.figures, n=n, seed=config.seed)
    texts = (TextPair(pair.prompt.text, pair.before.text, pair.after.text) for pair in found)
    return TextPairs(texts, latest.figures.model)


def save_model(run: Path, to: Path, what: str) -> Path:
    """Copy the newest model of a kind, complete or not at all; return where it lies."""
    if what not in KINDS:
        raise InputError(f"what is {what!r}; write {' or '.join(map(repr, KINDS))}.")
    folders = reward_models(run) if what == "reward_model" else _policies(run)
    if not folders:
        stage = "rewards" if what == "reward_model" else "policy"
        raise InputError(
            f"{run} has no finished {what.replace('_', ' ')} yet. Make one with "
            f"train(until={stage!r}) first."
        )
    if (chosen := read_best_of_n(folders[-1])) is not None:
        raise InputError(
            f"the policy of {run} has no weights to copy: it is the best of {chosen.n} responses "
            f"of {chosen.base} by {chosen.reward}. Draw from it with run.sample(...), save the "
            "reward model (what='reward_model'), or choose with both as "
            f"{folders[-1] / 'README.md'} shows."
        )
    if to.exists():
        raise InputError(f"{to} exists already. Name another folder.")
    write_folder(to, lambda fresh: _copy(folders[-1], fresh))
    return to


def _policies(run: Path) -> list[Path]:
    """Return the policies with which rounds ended, the newest last."""
    folders = [
        folder
        for folder in (run / "policy").glob("round-*")
        if OF_ROUND.fullmatch(folder.name) and not verify_folder(folder, hashes=False)
    ]
    return sorted(folders, key=lambda folder: int(folder.name.removeprefix("round-")))


def _copy(source: Path, to: Path) -> None:
    """Copy a folder without its manifest, which `write_folder` makes again."""
    shutil.copytree(source, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))
