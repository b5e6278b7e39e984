"""Judges made from a run file, and checked where they return their outcomes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from prefloop.choices import chosen_kind, is_scorer
from prefloop.comparisons.labelers.sources import PERSON, LabelerGroup
from prefloop.errors import InputError, PrefloopError, SettingsError
from prefloop.evaluation.judges.judge import OUTCOMES, BatchJudge, Judge, Outcome
from prefloop.evaluation.judges.people import PeopleJudge
from prefloop.evaluation.judges.scorer_judge import ScorerJudge
from prefloop.figures.text import counted
from prefloop.registry import JUDGES, NoSettings, overlapping_sources, plug_in_error, sources_of
from prefloop.scorers.build import CheckedScorer, build_scorer
from prefloop.scorers.endpoint.usage import Metered
from prefloop.scorers.fingerprint import fingerprint_of
from prefloop.settings.comparisons import PEOPLE
from prefloop.settings.run import RunConfig
from prefloop.settings.section import Section


@dataclass(frozen=True)
class CheckedJudge:
    """A judge whose outcomes are counted and known, or an error that names it."""

    name: str
    """What the run file calls it; verdicts are stored under it."""
    judge: Judge
    settings: Section = field(default_factory=NoSettings)
    shared_sources: tuple[str, ...] = ()
    """What it shares with people who labeled; see `compared_with_labelers`."""

    @property
    def scorer(self) -> CheckedScorer | None:
        """The scorer by which it compares; None if it sees both texts."""
        return self.judge.scorer if isinstance(self.judge, ScorerJudge) else None

    @property
    def sources(self) -> frozenset[str]:
        """What its verdicts rest on."""
        if self.scorer is not None:
            return self.scorer.sources
        return sources_of(self.judge, self.settings)

    @property
    def fingerprint(self) -> str:
        """A hash of what its verdicts depend on: settings, weights and code."""
        if isinstance(self.judge, ScorerJudge):
            return f"{self.judge.scorer.fingerprint} {self.judge.tie_margin}"
        return fingerprint_of(self.judge, self.settings)

    @property
    def description(self) -> str:
        """What the report calls it."""
        return self.judge.description if self.scorer is None else self.scorer.description

    @property
    def metered(self) -> Metered | None:
        """The judge as one whose requests cost something; None if they cost nothing."""
        if self.scorer is not None:
            return self.scorer.metered
        return self.judge if isinstance(self.judge, Metered) else None

    def compare(self, prompt: str, a: str, b: str) -> Outcome:
        """Return what became of `a` beside `b`."""
        return self.compare_all([prompt], [a], [b])[0]

    def compare_all(
        self, prompts: Sequence[str], a: Sequence[str], b: Sequence[str]
    ) -> list[Outcome]:
        """Return one outcome for each of `a`; InputError if the judge gives anything else."""
        outcomes = self._outcomes(prompts, a, b)
        if len(outcomes) != len(a):
            raise InputError(
                f"judge {self.name!r} returned {len(outcomes)} outcomes for {len(a)} pairs; "
                "compare_all() must return one per pair."
            )
        for outcome in outcomes:
            if outcome not in OUTCOMES:
                raise InputError(
                    f"judge {self.name!r} returned {outcome!r}; it must return one of "
                    f"{', '.join(OUTCOMES)}."
                )
        return outcomes

    def _outcomes(self, prompts: Sequence[str], a: Sequence[str], b: Sequence[str]) -> list[Any]:
        try:
            if isinstance(self.judge, BatchJudge):
                return list(self.judge.compare_all(prompts, a, b))
            pairs = zip(prompts, a, b, strict=True)
            return [self.judge.compare(prompt, first, second) for prompt, first, second in pairs]
        except PrefloopError:
            raise
        except Exception as error:
            raise InputError(
                plug_in_error(f"judge {self.name!r}", type(self.judge), error)
            ) from error


def compared_with_labelers(judge: CheckedJudge, groups: Iterable[LabelerGroup]) -> CheckedJudge:
    """Return the judge with the sources that it shares with people who labeled.

    SettingsError if it shares a source with any other labels of the store.
    """
    of_people: frozenset[str] = frozenset()
    for group in groups:
        common = overlapping_sources(judge.sources, group.sources)
        # People are found out and reported, whether they labeled here or in a file.
        of_people |= {s for s in common if group.kind == "person" or s.startswith(PERSON)}
        common -= of_people
        if common:
            raise SettingsError(
                f"evaluation.judges: {judge.name!r} is no independent judge: "
                f"{counted(group.n_labels, group.kind + ' label')} of the store rest on the same "
                f"({', '.join(sorted(common))}). Choose another judge."
            )
    return replace(judge, shared_sources=tuple(sorted(of_people)))


def build_judge(name: str, config: RunConfig) -> CheckedJudge:
    """Return the judge that a run file calls `name`; every scorer can be one, and so can people."""
    if name == PEOPLE:
        return CheckedJudge(name, PeopleJudge())
    if is_scorer(config, name):
        return CheckedJudge(name, ScorerJudge(build_scorer(name, config.scorers)))
    kind, raw = chosen_kind(config.judges, name)
    judge, settings = JUDGES.make(kind, raw, f"judges.{name}")
    return CheckedJudge(name, judge, settings)
