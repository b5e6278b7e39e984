"""Figures about one model (`evaluation/<model>.json`): judges, KL, copying, fluency, ROUGE."""

from pydantic import BaseModel

from prefloop.figures.estimate import EstimateFigure
from prefloop.figures.frontier import FrontierFigures
from prefloop.figures.judging import JudgingFigures
from prefloop.figures.provenance import Provenance
from prefloop.figures.record import RECORD
from prefloop.figures.repetition import RepetitionFigures

WIN_RATE_OF = "win rate of "
"""Begins the name under which `missing` says why a judge has no win rate."""

VERDICT = "verdict of the first judge"
"""The name under which `missing` says why the first judge gave no verdict."""

OptionalEstimate = EstimateFigure | None
"""Null where no sample could be measured."""


class WinRateFigures(BaseModel):
    """How often one judge prefers the model to the baseline on the same prompt."""

    model_config = RECORD

    judge: str
    """The judge's name in the run file."""
    description: str
    """What a reader should know it as, such as `a list of rated words`."""
    fingerprint: str = ""
    """A hash of the judge's settings, weights and code; empty in files of version 0.1."""
    shared_sources: tuple[str, ...] = ()
    """What the judge rests on that labels rest on too: then it is no independent judge."""
    n: int
    """Prompts judged."""
    wins: int
    ties: int
    losses: int
    rate: EstimateFigure
    """Share of wins; a tie counts as half a win."""
    decisive_rate: OptionalEstimate
    """Share of wins among the prompts that were no tie; null if all were."""
    score: OptionalEstimate
    """The judge's mean score of the model's samples; null if the judge compares without scores."""
    baseline_score: OptionalEstimate
    positive: OptionalEstimate
    """Share of the model's samples that the judge scores above 0."""
    baseline_positive: OptionalEstimate
    people: JudgingFigures | None = None
    """Who judged; null if the judge is no people."""
    verdict_ids: tuple[str, ...]
    """The rows of the store behind the figures."""


class CopyingMeasures(BaseModel):
    """How much one set of responses repeats its prompts."""

    model_config = RECORD

    novel_sentences: OptionalEstimate
    """Share of sentences that are not in the prompt."""
    novel_1grams: OptionalEstimate
    """Share of words that are not in the prompt."""
    novel_2grams: OptionalEstimate
    """Share of word pairs that are not in the prompt."""
    novel_3grams: OptionalEstimate
    """Share of runs of 3 words that are not in the prompt."""
    novel_4grams: OptionalEstimate
    """Share of runs of 4 words that are not in the prompt."""
    lexical_independence: OptionalEstimate = None
    """MINT: 0 for a copy, 1 where no word is the prompt's; null in records of before version 0.2.
    Dreyer et al. 2021, arXiv:2108.02859."""
    coverage: OptionalEstimate
    """Share of words that lie in runs copied from the prompt."""
    density: OptionalEstimate
    """Mean length of the copied run that a word lies in."""
    longest_run_words: OptionalEstimate
    starts_copied: OptionalEstimate
    """Share of responses that begin with the prompt's first three words."""
    copied_place: OptionalEstimate = None
    """Where in the prompt the words stand that lie in copied runs of three words and more: 0 its
    first word, 1 its last, about one half if from everywhere alike; over responses that have such a
    run. Null where none has, and in records of before version 0.2."""


class CopyingFigures(BaseModel):
    """Copying by the model, the baseline and human answers, and the change between the models."""

    model_config = RECORD

    model: CopyingMeasures | None
    baseline: CopyingMeasures | None
    human: CopyingMeasures | None
    """Null if the prompts have no human answers."""
    change: CopyingMeasures | None
    """Model minus baseline on the same prompts."""


class FluencyMeasures(BaseModel):
    """Is it still language?"""

    model_config = RECORD

    n: int
    """Samples."""
    ref_logprob_per_token: OptionalEstimate
    """Log-probability per token under the reference, in nats."""
    words: OptionalEstimate
    """Words per response."""
    ended: OptionalEstimate
    """Share of responses that met the stop rule."""
    longest_repeated_run_words: OptionalEstimate
    """Longest run of words that a response repeats."""
    distinct_2: float | None
    """Share of word pairs that are different, over as many samples of both models."""
    duplicates: float | None
    """Share of responses that another repeats word for word."""


class FluencyFigures(BaseModel):
    """Fluency of the model and of the baseline."""

    model_config = RECORD

    model: FluencyMeasures
    baseline: FluencyMeasures


class RougeMeasures(BaseModel):
    """ROUGE F1 against human answers."""

    model_config = RECORD

    rouge_1: OptionalEstimate
    rouge_2: OptionalEstimate
    rouge_l: OptionalEstimate


class RougeFigures(BaseModel):
    """ROUGE of the model, of the baseline and of each prompt's first three sentences."""

    model_config = RECORD

    model: RougeMeasures
    baseline: RougeMeasures
    lead_3: RougeMeasures


class EvaluationRows(BaseModel):
    """The ids of the samples behind the figures."""

    model_config = RECORD

    model_samples: tuple[str, ...]
    baseline_samples: tuple[str, ...]
    frontier_samples: tuple[str, ...]


class EvaluationFigures(BaseModel):
    """Everything that was measured of one model beside a baseline."""

    model_config = RECORD

    model: str
    """The model's name, such as `policy/update-12`."""
    round: int | None
    """The round that ended with this model; null for any other model."""
    baseline: str
    """The name of the model that it was compared with."""
    task: str
    verdict: str
    """The first judge's result in one sentence."""
    judges: tuple[str, ...] | None = None
    """The judges that were asked last, in the order of `evaluation.judges`; null in files of
    earlier versions."""
    win_rates: tuple[WinRateFigures, ...]
    """One per judge that gave figures: those asked last in their order, then those asked before."""
    kl: OptionalEstimate
    """KL from the reference in nats per response, from log-ratios of its own samples."""
    kl_at_most: float | None = None
    """Upper bound on that KL where there are no log-ratios: best of n; null for other models."""
    copying: CopyingFigures
    fluency: FluencyFigures
    repetition: RepetitionFigures | None = None
    """What its responses have in common; null without samples of both models, and in files of
    earlier versions."""
    rouge: RougeFigures | None
    frontier: FrontierFigures | None
    rows: EvaluationRows
    missing: dict[str, str]
    """What was not measured, with the reason."""
    provenance: Provenance | None = None
    """With which settings and labels it was measured; null in files of version 0.1."""

    @property
    def win_rate(self) -> WinRateFigures | None:
        """The figures of the first judge that was asked, which the verdict rests on.

        None if that one gave none, whatever others say.
        """
        if self.judges is None:
            return self.win_rates[0] if self.win_rates else None
        return next((each for each in self.win_rates if each.judge in self.judges[:1]), None)

    @property
    def why_not_judged(self) -> str:
        """Why the first judge gave no verdict; it may have given one."""
        names = (VERDICT, "win_rates")
        found = (self.missing[name] for name in names if name in self.missing)
        return next(found, "there are no verdicts")
