"""Fits the two checks of accuracy to planted errors, and writes their weights and a log.

    python scorer_training/train_accuracy.py [WHEEL]

Each check is a logistic regression on claims about the articles of its own share
(`prefloop/scorers/claims/articles.py`): true sentences, rule-made paraphrases of them, errors of
four kinds planted into both, and sentences of other articles. Of 40 hand-written groups
(`handwritten.json`: invented sources, each with a sentence of it, a free paraphrase, and errors
planted into that) a sixth fits each check too, so that the weights know what free paraphrases do:
other sources for each, or the two would err alike. The rest, and articles that prompts are made of,
only measure.

Then what a copy gains over a paraphrase of the same content is taken off: `copied`, per share of
copied pairs and triples of words, is the larger of the gains among rule-made and hand-written
paraphrases that were fitted to.
"""

import json
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn
from articles import Article, load
from claims_data import LENGTHS, Claim, claims_of, source_sentences
from numpy.typing import NDArray
from planted import KINDS
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from prefloop.prompts.news.package import DATA, PACKAGE, VERSION
from prefloop.scorers.accuracy import AccuracyScorer
from prefloop.scorers.accuracy_careful import AccuracyCarefulScorer
from prefloop.scorers.claims import features, pairs
from prefloop.scorers.claims.source import read_source
from prefloop.scorers.claims.tokens import parse
from prefloop.scorers.scorer import Scorer
from prefloop.text.overlap import copied_share

ROOT = Path(__file__).parents[1]
HANDWRITTEN = ROOT / "tests" / "unit" / "scorers" / "claims" / "handwritten.json"
LOG = Path(__file__).with_name("accuracy_log.json")
SEED = 0
HANDWRITTEN_SHARE = 0.3
"""Weight of the hand-written claims among all that are fitted to."""
PENALTY = 1.0
DRAWS = 200
"""Of articles, for intervals."""
N_TEST = 600
"""Articles with a subtitle that measure."""
LOOKED_AT = 120
"""Articles with a subtitle whose claims were read while the features were designed: they neither
train nor measure."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One of the two checks."""

    name: str
    features: tuple[str, ...]
    read: Callable[[str], Any]
    """Reads a source."""
    scorer: type[Scorer]
    """The scorer that reads what is written here."""
    measure: Callable[[str, str, Any], Floats]
    """Returns the features of a claim, given its source as a text and as it was read."""


CHECKS = (
    Check(
        name="accuracy",
        features=features.FEATURES,
        read=read_source,
        scorer=AccuracyScorer,
        measure=lambda claim, text, source: features.claim_features(parse(claim, text)[0], source),
    ),
    Check(
        name="accuracy_careful",
        features=pairs.PAIR_FEATURES,
        read=pairs.PairSource,
        scorer=AccuracyCarefulScorer,
        measure=lambda claim, text, source: pairs.pair_features(claim, source),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Claims with their features."""

    x: Floats
    copied: Floats
    error: NDArray[np.str_]
    """Empty where nothing was planted."""
    form: NDArray[np.str_]
    article: NDArray[np.str_]

    @property
    def is_true(self) -> Bools:
        """Whether a claim is true."""
        return self.error == ""

    def where(self, rows: NDArray[Any]) -> "Table":
        """Return some of the claims."""
        return Table(**{name: column[rows] for name, column in vars(self).items()})


def table(check: Check, claims: Sequence[Claim]) -> Table:
    """Return the features of claims; those about one source stand together."""
    rows, text, source = [], None, None
    for claim in claims:
        if claim.source != text:
            text, source = claim.source, check.read(claim.source)
        rows.append(check.measure(claim.text, claim.source, source))
    return Table(
        x=np.array(rows),
        copied=np.array([copied_share(c.text, c.source) for c in claims]),
        error=np.array([c.error or "" for c in claims]),
        form=np.array([c.form for c in claims]),
        article=np.array([c.article for c in claims]),
    )


def handwritten() -> list[Claim]:
    """Return the hand-written claims; the article is the number of the source."""
    found = []
    for group in json.loads(HANDWRITTEN.read_text("utf-8")):
        for key, text in group.items():
            if key != "source":
                error = {"copy": None, "paraphrase": None, "who": "who did what"}.get(key, key)
                found.append(
                    Claim(
                        article=group["source"],
                        source=group["source"],
                        text=text,
                        error=error,
                        form="copy" if key == "copy" else "paraphrase",
                        origin=group["copy"],
                    )
                )
    return found


def fits(claims: Sequence[Claim], name: str) -> Bools:
    """Return which hand-written claims fit a check: every sixth source, other ones for each."""
    sources = list(dict.fromkeys(claim.source for claim in claims))
    first = 2 * [check.name for check in CHECKS].index(name)
    return np.array([sources.index(claim.source) % 6 == first for claim in claims])


def weights_of(claims: Table) -> Floats:
    """Return weights by which copies, paraphrases and each kind of error weigh alike."""
    groups = np.where(claims.is_true, claims.form, claims.error)
    weight = np.zeros(len(groups))
    for group in np.unique(groups):
        weight[groups == group] = 1.0 / np.sum(groups == group)
    for truth in (True, False):
        weight[claims.is_true == truth] *= 0.5 / weight[claims.is_true == truth].sum()
    return weight


def fit(news: Table, hand: Table) -> tuple[Floats, float, float]:
    """Return weights, intercept, and what a copy loses."""
    weight = np.concatenate(
        [weights_of(news) * (1 - HANDWRITTEN_SHARE), weights_of(hand) * HANDWRITTEN_SHARE]
    )
    x, y = np.vstack([news.x, hand.x]), np.concatenate([news.is_true, hand.is_true])
    model = LogisticRegression(C=PENALTY, max_iter=5000)
    model.fit(x, y, sample_weight=weight * len(news.x))
    coefficients, intercept = model.coef_[0].round(3), round(float(model.intercept_[0]), 3)
    gains = [_gain(part, intercept + part.x @ coefficients) for part in (news, hand)]
    return coefficients, intercept, round(max(0.0, *gains), 3)


def _gain(claims: Table, log_odds: Floats) -> float:
    """Return the log-odds that a true copy has more than a true paraphrase, per copied share."""
    copy, other = (claims.is_true & (claims.form == form) for form in ("copy", "paraphrase"))
    more = claims.copied[copy].mean() - claims.copied[other].mean()
    return float((log_odds[copy].mean() - log_odds[other].mean()) / more)


def figures(claims: Table, log_odds: Floats) -> dict[str, Any]:
    """Return the AUC of each kind of error, with intervals over articles, and copies' advantage."""
    found: dict[str, Any] = {}
    for kind in (*KINDS, "foreign"):
        for name, forms in {"all": ("copy", "paraphrase"), "paraphrases": ("paraphrase",)}.items():
            rows = np.isin(claims.form, forms) & (claims.is_true | (claims.error == kind))
            if np.sum(claims.error[rows] == kind) > 1:
                part = claims.where(rows)
                found.setdefault(kind, {})[name] = with_interval(auc, part, log_odds[rows])
    found["true copy minus true paraphrase"] = with_interval(advantage, claims, log_odds)
    return found


def auc(claims: Table, log_odds: Floats) -> float:
    """Return how often a true claim scores above one with an error; ties count half."""
    return float(roc_auc_score(claims.is_true, log_odds))


def advantage(claims: Table, log_odds: Floats) -> float:
    """Return the mean log-odds of true copies minus those of true paraphrases."""
    copy, other = (claims.is_true & (claims.form == form) for form in ("copy", "paraphrase"))
    return float(log_odds[copy].mean() - log_odds[other].mean())


def with_interval(
    figure: Callable[[Table, Floats], float], claims: Table, log_odds: Floats
) -> dict[str, float | int]:
    """Return a figure with its 95 % interval from a bootstrap over articles."""
    rng = np.random.default_rng(SEED)
    articles, code = np.unique(claims.article, return_inverse=True)
    rows_of = [np.flatnonzero(code == number) for number in range(len(articles))]
    draws = []
    for _ in range(DRAWS):
        rows = np.concatenate([rows_of[i] for i in rng.integers(len(rows_of), size=len(rows_of))])
        if 0 < claims.is_true[rows].mean() < 1:
            draws.append(figure(claims.where(rows), log_odds[rows]))
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return {
        "value": round(figure(claims, log_odds), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "articles": len(articles),
        "errors": int(np.sum(~claims.is_true)),
    }


def subtitles(scorer: Scorer, articles: Sequence[Article], length: int) -> dict[str, float | int]:
    """Return how human subtitles score beside those of other articles, and beside a copy.

    Nobody says that a subtitle is supported by so much of its article: many name what comes later.
    """
    known = [article for article in articles if article.subtitle]
    sources = [" ".join(source_sentences(article.sentences, length)) for article in known]
    own = [article.subtitle for article in known]
    copies = [article.sentences[0] for article in known]
    here, there, copy = (scorer.score(sources, x) for x in (own, own[1:] + own[:1], copies))
    truth = np.repeat([1, 0], len(known))
    return {
        "n": len(known),
        "words of the source": length,
        "subtitle, mean log-odds": round(float(here.mean()), 2),
        "subtitle, median log-odds": round(float(np.median(here)), 2),
        "of another article, mean log-odds": round(float(there.mean()), 2),
        "first sentence, mean log-odds": round(float(copy.mean()), 2),
        "auc against another article's": round(
            float(roc_auc_score(truth, np.concatenate([here, there]))), 3
        ),
        "copy scores higher": round(float(np.mean(copy > here) + 0.5 * np.mean(copy == here)), 3),
    }


def main() -> None:
    articles = load(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
    judged = [article for article in articles if article.share is None]
    random.Random(SEED).shuffle(judged)
    judged = judged[LOOKED_AT : LOOKED_AT + N_TEST]
    test = list(claims_of(judged, SEED))
    hand = handwritten()
    is_held = ~np.any([fits(hand, check.name) for check in CHECKS], axis=0)
    log: dict[str, Any] = {
        "data": f"{PACKAGE} {VERSION}, {DATA}, and {HANDWRITTEN.name}",
        "scikit_learn": sklearn.__version__,
        "words_of_sources": LENGTHS,
        "handwritten_share": HANDWRITTEN_SHARE,
    }
    scores = {}
    for check in CHECKS:
        train = list(claims_of(_of(articles, check.name), SEED))
        news, written = table(check, train), table(check, hand)
        weights, intercept, copied = fit(news, written.where(fits(hand, check.name)))
        write(check, weights, intercept, copied)

        def log_odds(
            t: Table, w: Floats = weights, b: float = intercept, c: float = copied
        ) -> Floats:
            return b + t.x @ w - c * t.copied

        held, measured = written.where(is_held), table(check, test)
        scores[check.name] = log_odds(measured)
        log[check.name] = {
            "articles": len(_of(articles, check.name)),
            "claims": len(train),
            "weights": dict(zip(check.features, weights.tolist(), strict=True)),
            "intercept": intercept,
            "copied": copied,
            "judged articles": figures(measured, scores[check.name]),
            "hand-written, not fitted": figures(held, log_odds(held)),
            "subtitles": [subtitles(check.scorer(), judged, length) for length in LENGTHS],
        }
    both = np.array(list(scores.values()))
    truth = np.array([claim.error is None for claim in test])
    log["correlation of the two checks"] = {
        "all claims": round(float(np.corrcoef(both)[0, 1]), 3),
        "true claims": round(float(np.corrcoef(both[:, truth])[0, 1]), 3),
    }
    LOG.write_text(json.dumps(log, indent=1) + "\n")
    sys.stdout.write(LOG.read_text())


def _of(articles: Sequence[Article], share: str) -> list[Article]:
    return [article for article in articles if article.share == share]


def write(check: Check, weights: Floats, intercept: float, copied: float) -> None:
    """Write the weights where the scorer reads them."""
    content = {
        "weights": dict(zip(check.features, weights.tolist(), strict=True)),
        "intercept": intercept,
        "copied": copied,
    }
    path = Path(features.__file__).with_name(f"{check.name}.json")
    path.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
