"""The evaluation of models through the real store."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.evaluation.evaluate import evaluate_models, forget_evaluations, outdate_evaluation
from prefloop.evaluation.judges.build import CheckedJudge, build_judge
from prefloop.evaluation.judges.people import PeopleJudge
from prefloop.figures.evaluation import VERDICT, EvaluationFigures
from prefloop.records import REFERENCE
from prefloop.run_file import parse_run
from prefloop.run_folder import evaluation_path, read_run_folder
from prefloop.scorers.build import build_weighted
from prefloop.store.store import Store
from tests.unit.evaluation.worlds import POLICY, FirstLetter, prompt, sample
from tests.unit.figures.test_reading import EARLIER

N = 12
OTHER = "some/model"
RUN = parse_run({}, "run.yaml")
LEXICON, LENGTH = (build_judge(name, RUN) for name in ("lexicon", "length"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "prefloop.db") as opened:
        opened.add_prompts([prompt(n) for n in range(N)])
        ours = [sample(n, "What a happy, lovely day.", kl=3.0 + 0.1 * n) for n in range(N)]
        theirs = [sample(n, "A cold and awful day.", model=REFERENCE) for n in range(N)]
        others = [sample(n, "A terrible day in a cold hall.", model=OTHER) for n in range(N)]
        drawn = [
            sample(n, "good " * k + "day", model=REFERENCE, purpose="frontier", copy=k)
            for n in range(3)
            for k in range(6)
        ]
        opened.add_samples(ours + theirs + others + drawn)
        yield opened


def _evaluate(
    store: Store,
    folder: Path,
    *,
    models: Mapping[str, int | None] | None = None,
    judges: Sequence[CheckedJudge] = (LEXICON,),
    baseline: str = REFERENCE,
    has_scorer: bool = True,
    frontier_prompts: int = 3,
    labelers: str = "people",
) -> list[EvaluationFigures]:
    return evaluate_models(
        store,
        models={POLICY: 0} if models is None else models,
        baseline=baseline,
        judges=judges,
        scorer=build_weighted({"sentiment": 1.0}, {}) if has_scorer else None,
        config=parse_run(
            {
                "evaluation": {"frontier_prompts": frontier_prompts},
                "comparisons": {"labelers": labelers},
            },
            "run.yaml",
        ),
        folder=folder,
    )


def test_figures_are_stored_with_the_rows_they_came_from(store: Store, tmp_path: Path) -> None:
    (figures,) = _evaluate(store, tmp_path)
    (file,) = read_run_folder(tmp_path).evaluations
    assert (file.path, file.figures) == ("evaluation/policy/update-8.json", figures)
    assert figures.win_rate is not None
    assert figures.win_rate.wins == N
    assert "Wilson" in figures.win_rate.rate.how
    assert figures.win_rate.fingerprint == LEXICON.fingerprint
    assert figures.win_rate.verdict_ids == tuple(v.id for v in store.verdicts(model=POLICY))
    ids = figures.rows.model_samples + figures.rows.baseline_samples
    assert set(ids) <= set(store.samples_by_id(ids))
    assert figures.kl is not None and figures.kl.value == pytest.approx(3.55)
    assert figures.frontier is not None and figures.frontier.n_samples == 6
    assert figures.verdict.startswith("Better: the held-out judge (a list of rated words) prefers")


def test_evaluating_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    first = _evaluate(store, tmp_path)
    assert _evaluate(store, tmp_path) == first
    assert len(store.verdicts()) == N


def test_each_model_is_compared_by_each_judge(store: Store, tmp_path: Path) -> None:
    models = {POLICY: 0, OTHER: None}
    ours, other = _evaluate(store, tmp_path, models=models, judges=[LEXICON, LENGTH])
    assert [w.judge for w in ours.win_rates] == ["lexicon", "length"]
    assert [w.rate.value for w in ours.win_rates] == [1.0, 0.5]
    assert [w.rate.value for w in other.win_rates] == [0.0, 1.0]
    assert (ours.round, other.round) == (0, None)
    assert len(store.verdicts(judge="length", model=OTHER)) == N
    run = read_run_folder(tmp_path)
    assert [file.figures.model for file in run.evaluations] == [POLICY, OTHER]
    assert run.latest is not None and run.latest.figures == ours
    assert other.verdict.startswith("Worse: ") and "prefers the reference" in other.verdict


def test_a_judge_that_is_asked_later_stands_beside_the_earlier_one(
    store: Store, tmp_path: Path
) -> None:
    (first,) = _evaluate(store, tmp_path)
    (both,) = _evaluate(store, tmp_path, judges=[LENGTH])
    assert [w.judge for w in both.win_rates] == ["length", "lexicon"]
    assert both.win_rates[1] == first.win_rates[0]
    (against,) = _evaluate(store, tmp_path, judges=[LENGTH], baseline=OTHER)
    assert [w.judge for w in against.win_rates] == ["length"], "the others were against another"


def test_any_model_can_be_the_baseline(store: Store, tmp_path: Path) -> None:
    (figures,) = _evaluate(store, tmp_path, baseline=OTHER)
    assert figures.baseline == OTHER
    assert {v.baseline for v in store.verdicts()} == {OTHER}
    assert "at a KL of 3.6 nats from the reference" in figures.verdict
    with pytest.raises(InputError, match="policy/update-8 cannot be compared with itself"):
        _evaluate(store, tmp_path, baseline=POLICY)


def test_samples_of_another_update_are_not_looked_at(store: Store, tmp_path: Path) -> None:
    """The samples of an earlier update of the same round must not stand for this one."""
    store.add_samples([sample(n, "sad", model="policy/update-16", kl=9.0) for n in range(4)])
    ours, later = _evaluate(store, tmp_path, models={POLICY: 0, "policy/update-16": 1})
    assert len(ours.rows.model_samples) == N
    assert later.kl is not None and later.kl.value == pytest.approx(9.0)
    assert len(later.rows.baseline_samples) == 4, "the reference on the same prompts"


def test_a_judge_without_scores_says_so(store: Store, tmp_path: Path) -> None:
    (figures,) = _evaluate(store, tmp_path, judges=[CheckedJudge("letters", FirstLetter())])
    assert figures.win_rate is not None
    assert figures.win_rate.score is None
    assert figures.missing["score of letters"] == "this judge compares texts and gives no scores"
    assert figures.verdict.startswith(
        "Worse: the held-out judge (a reader of first letters) prefers"
    )


def test_what_is_not_measured_is_absent_and_explained(store: Store, tmp_path: Path) -> None:
    (figures,) = _evaluate(store, tmp_path, judges=[], has_scorer=False)
    assert (figures.win_rate, figures.frontier, figures.rouge) == (None, None, None)
    assert set(figures.missing) == {"win_rates", "frontier", "rouge"}
    assert "people labeled" in figures.missing["frontier"]
    (figures,) = _evaluate(store, tmp_path, judges=[], has_scorer=False, labelers="none")
    assert "labels were imported" in figures.missing["frontier"]
    (figures,) = _evaluate(store, tmp_path, judges=[], has_scorer=False)
    assert "is not known; no judge was asked" in figures.verdict
    assert store.verdicts() == []
    (figures,) = _evaluate(store, tmp_path, frontier_prompts=0)
    assert "evaluation.frontier_prompts is 0" in figures.missing["frontier"]


def test_a_judge_of_english_words_is_left_out_where_there_are_none(
    store: Store, tmp_path: Path
) -> None:
    """VADER finds nothing in Chinese: twelve ties would look like a result."""
    ours = [sample(n, "多么快乐的一天。", model="policy/update-9") for n in range(N)]
    store.add_samples(ours)
    (figures,) = _evaluate(
        store,
        tmp_path,
        models={"policy/update-9": None},
        judges=[LEXICON, LENGTH],
        baseline="policy/update-9b",
    )
    assert [w.judge for w in figures.win_rates] == []
    assert figures.missing["win rate of lexicon"].startswith("it rates English words, and 0")
    store.add_samples([sample(n, "雨天。", model="policy/update-9b") for n in range(N)])
    (figures,) = _evaluate(
        store,
        tmp_path,
        models={"policy/update-9": None},
        judges=[LEXICON, LENGTH],
        baseline="policy/update-9b",
    )
    assert [w.judge for w in figures.win_rates] == ["length"]
    assert set(figures.missing) >= {"win rate of lexicon"}
    assert "win_rates" not in figures.missing
    (figures,) = _evaluate(store, tmp_path, judges=[LEXICON])
    assert "win rate of lexicon" not in figures.missing


def test_a_model_without_samples_is_not_judged(store: Store, tmp_path: Path) -> None:
    (figures,) = _evaluate(store, tmp_path, models={"policy/update-99": 5})
    assert figures.win_rate is None
    assert figures.kl is None
    assert "no held-out prompt has samples of both models" in figures.verdict
    assert figures.missing["kl"] == "the model has no evaluation samples"


def test_forgotten_rounds_lose_their_figures_and_no_others(store: Store, tmp_path: Path) -> None:
    store.add_samples([sample(n, "sad", model="policy/update-16", kl=9.0) for n in range(4)])
    _evaluate(store, tmp_path, models={POLICY: 0, "policy/update-16": 1, OTHER: None})
    forget_evaluations(tmp_path, [1])
    assert [f.figures.model for f in read_run_folder(tmp_path).evaluations] == [POLICY, OTHER]
    assert not evaluation_path(tmp_path, "policy/update-16").exists()


def test_a_judge_that_labeled_is_said_to_have(store: Store, tmp_path: Path) -> None:
    ann = replace(LENGTH, shared_sources=("person:ann",))
    (figures,) = _evaluate(store, tmp_path, judges=[LEXICON, ann])
    assert [found.shared_sources for found in figures.win_rates] == [(), ("person:ann",)]


def test_figures_of_a_round_that_trains_on_stay_those_of_their_model(
    store: Store, tmp_path: Path
) -> None:
    """A finished run that is continued must be evaluated again: its weights are others."""
    (figures,) = _evaluate(store, tmp_path)
    outdate_evaluation(tmp_path, 0)
    run = read_run_folder(tmp_path)
    assert run.evaluation_of_round(0) is None
    assert [f.figures for f in run.evaluations] == [figures.model_copy(update={"round": None})]


def test_figures_named_by_round_go_when_the_round_trains_on(tmp_path: Path) -> None:
    shutil.copytree(EARLIER, tmp_path, dirs_exist_ok=True)
    assert read_run_folder(tmp_path).evaluation_of_round(0) is not None
    outdate_evaluation(tmp_path, 0)
    assert read_run_folder(tmp_path).evaluations == ()


def test_figures_named_by_round_give_way_to_those_of_the_same_model(
    store: Store, tmp_path: Path
) -> None:
    shutil.copytree(EARLIER / "evaluation", tmp_path / "evaluation")
    _evaluate(store, tmp_path, models={POLICY: 1})
    assert len(read_run_folder(tmp_path).evaluations) == 2, "another round's figures stay"
    _evaluate(store, tmp_path)
    assert [file.figures.model for file in read_run_folder(tmp_path).evaluations] == [POLICY]


def test_an_earlier_judge_does_not_stand_in_for_one_without_figures(
    store: Store, tmp_path: Path
) -> None:
    _evaluate(store, tmp_path)
    people = CheckedJudge("people", PeopleJudge(frozenset()))
    (figures,) = _evaluate(store, tmp_path, judges=[people])
    assert [w.judge for w in figures.win_rates] == ["lexicon"]
    assert figures.verdict.startswith("Not judged: ")
    assert "nobody answered the questions about it" in figures.verdict


def test_a_second_judge_does_not_stand_in_for_the_first_and_the_first_comes_back(
    store: Store, tmp_path: Path
) -> None:
    people = CheckedJudge("people", PeopleJudge(frozenset()))
    (figures,) = _evaluate(store, tmp_path, judges=[people, LENGTH])
    assert ([w.judge for w in figures.win_rates], figures.win_rate) == (["length"], None)
    assert figures.verdict.startswith("Not judged: ")
    assert figures.missing[VERDICT] == "nobody answered the questions about it"
    [kept] = read_run_folder(tmp_path).evaluations
    assert (kept.figures.verdict, kept.figures.win_rate) == (figures.verdict, None)
    (again,) = _evaluate(store, tmp_path, judges=[LENGTH, people])
    assert again.win_rate is not None and again.win_rate.judge == "length"
    assert VERDICT not in again.missing


def test_where_nobody_is_asked_the_verdict_stays_that_of_those_who_were(
    store: Store, tmp_path: Path
) -> None:
    (first,) = _evaluate(store, tmp_path)
    (again,) = _evaluate(store, tmp_path, judges=[])
    assert (again.verdict, again.judges) == (first.verdict, ("lexicon",))
