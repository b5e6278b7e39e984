"""The table of label types, and what every type promises."""

from dataclasses import replace

import numpy as np
import pytest

from prefloop.label_types.answers import ANSWERS, PREFERENCES
from prefloop.label_types.label_type import LabelType
from prefloop.label_types.losses import LOSSES
from prefloop.label_types.types import TYPES, label_type, type_of, type_problems, widget_path
from prefloop.records import Answer, Comparison, Label

IDS = {"pairs": ("a", "b"), "best_of_k": ("a", "b", "c", "d"), "ranking": ("a", "b", "c")}
ALL = list(TYPES.values())


def label_of(a_type: LabelType, scores: list[float]) -> Label:
    """Return the answer of a labeler with these impressions, shown in reverse order."""
    ids = IDS[a_type.name]
    content = a_type.from_scores(np.array(scores), ids, tie_margin=0.0)
    return Label(
        id="u1",
        comparison_id="c1",
        labeler="ann",
        answer=content.answer,
        chosen=content.chosen,
        details=content.details,
        shown=ids[::-1],
        seconds=3.0,
        instructions="1",
    )


def scores_of(a_type: LabelType) -> list[float]:
    return [1.0, 3.0, 2.0, 0.0][: len(IDS[a_type.name])]


def test_without_a_name_it_is_the_best_of_the_samples() -> None:
    assert label_type(None, 2) is TYPES["pairs"]
    assert label_type(None, 3) is label_type(None, 8) is TYPES["best_of_k"]
    assert label_type("best_of_k", 2) is TYPES["best_of_k"]


@pytest.mark.parametrize(
    ("name", "n", "told"),
    [
        (None, 2, []),
        ("pairs", 2, []),
        ("best_of_k", 12, []),
        ("pairs", 3, ["comparison c has 3 samples; label type pairs takes 2"]),
        ("best_of_k", 2, ["comparison c has 2 samples; label type best_of_k takes 3 or more"]),
        ("ranking", 2, []),
        ("ranking", 9, ["comparison c has 9 samples; label type ranking takes 2 to 8"]),
        ("rank", 3, ["comparison c has label type 'rank'; known are best_of_k, pairs, ranking"]),
    ],
)
def test_a_type_that_does_not_fit_the_comparison_is_refused(
    name: str | None, n: int, told: list[str]
) -> None:
    ids = tuple(f"s{i}" for i in range(n))
    asked = Comparison(
        id="c", prompt_id="p", sample_ids=ids, round=0, split="train", label_type=name
    )
    assert type_problems(asked) == told
    if not told:
        assert type_of(asked) is label_type(name, n)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_its_folder_its_widget_and_a_loss(name: str) -> None:
    assert TYPES[name].name == name
    assert widget_path(name).parent.name == name
    assert TYPES[name].loss in LOSSES
    assert len(IDS[name]) in TYPES[name].sizes


@pytest.mark.parametrize("a_type", ALL, ids=lambda each: each.name)
class TestEveryType:
    def test_an_answer_from_scores_is_a_valid_one_and_names_the_best(
        self, a_type: LabelType
    ) -> None:
        label = label_of(a_type, scores_of(a_type))
        assert (label.answer, label.chosen) == ("best", "b")
        assert a_type.problems(label, IDS[a_type.name]) == []

    def test_the_best_two_within_the_margin_are_a_tie(self, a_type: LabelType) -> None:
        ids, scores = IDS[a_type.name], np.array(scores_of(a_type))
        wide = float(np.diff(np.sort(scores)[-2:])[0]) + 0.1
        content = a_type.from_scores(scores, ids, tie_margin=wide)
        assert (content.answer, content.chosen, content.details) == ("tie", None, {})

    def test_names_are_changed_and_changed_back(self, a_type: LabelType) -> None:
        label = label_of(a_type, scores_of(a_type))
        names = {name: str(i + 1) for i, name in enumerate(label.shown)}
        shown = a_type.renamed(label, names)
        assert shown.shown == tuple(names.values())
        assert shown.chosen == names["b"]
        assert not set(str(shown.details)) & {"a", "b", "c", "d"} - set("'ranking'")
        assert a_type.problems(shown, tuple(names.values())) == []
        assert a_type.renamed(shown, {v: k for k, v in names.items()}) == label

    def test_the_best_is_in_no_pair_the_worse(self, a_type: LabelType) -> None:
        pairs = a_type.preferred_pairs(label_of(a_type, scores_of(a_type)))
        assert {better for better, _ in pairs} >= {"b"}
        assert "b" not in {worse for _, worse in pairs}

    @pytest.mark.parametrize("answer", PREFERENCES)
    def test_a_preference_is_a_target_whose_votes_sum_to_1(
        self, a_type: LabelType, answer: Answer
    ) -> None:
        label = label_of(a_type, scores_of(a_type))
        if answer != "best":
            label = replace(label, answer=answer, chosen=None, details={})
        target = a_type.target(label, IDS[a_type.name])
        assert target is not None
        assert len(target) == len(IDS[a_type.name])
        votes = a_type.best_probabilities(target)
        assert votes.sum() == pytest.approx(1.0)
        assert votes.tolist() == pytest.approx(
            [float(i == "b") for i in IDS[a_type.name]]
            if answer == "best"
            else [1 / len(votes)] * len(votes)
        )

    @pytest.mark.parametrize("answer", sorted({*ANSWERS} - {*PREFERENCES}))
    def test_a_skip_or_a_flag_is_no_target(self, a_type: LabelType, answer: Answer) -> None:
        label = replace(label_of(a_type, scores_of(a_type)), answer=answer, chosen=None, details={})
        assert a_type.target(label, IDS[a_type.name]) is None
        assert a_type.preferred_pairs(label) == []

    def test_details_that_the_type_does_not_have_are_refused(self, a_type: LabelType) -> None:
        label = label_of(a_type, scores_of(a_type))
        odd = replace(label, details={**label.details, "mood": 3})
        [problem] = a_type.problems(odd, IDS[a_type.name])
        assert problem == "label u1 has details.mood: Extra inputs are not permitted"
        tie = replace(label, answer="tie", chosen=None, details={"mood": 3})
        assert a_type.problems(tie, IDS[a_type.name]) == ["label u1 says `tie` and yet has details"]

    @pytest.mark.parametrize("answer", ANSWERS)
    def test_any_answer_may_say_that_copies_were_marked(
        self, a_type: LabelType, answer: Answer
    ) -> None:
        label = label_of(a_type, scores_of(a_type))
        if answer != "best":
            label = replace(label, answer=answer, chosen=None, details={})
        said = replace(label, details={**label.details, "copies_marked": True})
        assert a_type.problems(said, IDS[a_type.name]) == []
        odd = replace(label, details={**label.details, "copies_marked": "yes"})
        assert a_type.problems(odd, IDS[a_type.name]) != []
