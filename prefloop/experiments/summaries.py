"""The summaries that an experiment compares: of models, of rules that need no model, of people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prefloop.experiments.members import Member, SampleSet
from prefloop.progress import Progress
from prefloop.records import REFERENCE, Prompt, Sample
from prefloop.run_folder import read_run_folder
from prefloop.run_store import open_run_store
from prefloop.samples.scores import score_samples
from prefloop.scorers.build import build_scorer
from prefloop.scorers.scorer import Scores
from prefloop.seeding import numpy_stream
from prefloop.store.store import Store
from prefloop.text.overlap import copied_share, novel_sentence_share
from prefloop.text.words import sentences

N_SENTENCES = 3
"""Sentences of the rules that need no model: lead-3 of 2019, and as many at random."""


@dataclass(frozen=True, kw_only=True)
class ArticleSummary:
    """One summary of one article in one seed."""

    prompt_id: str
    seed: int
    source: str
    text: str


@dataclass(frozen=True, kw_only=True)
class JudgedPolicy:
    """What a finished member left: its policy's summaries beside its start's, and the verdicts."""

    member: Member
    before: list[ArticleSummary]
    after: list[ArticleSummary]
    kl: list[tuple[str, float]]
    """Prompt and estimate of the KL of each of the policy's summaries, in nats."""
    outcomes: list[tuple[str, float]]
    """Prompt and outcome by the first judge: a win is 1, a tie 0.5."""


def read_policy(member: Member) -> JudgedPolicy:
    """Return what the member's evaluation rests on, from its store."""
    latest = read_run_folder(member.folder).latest
    if latest is None:
        raise ValueError(f"{member.folder} has no evaluation; a finished run has one")
    figures = latest.figures
    with open_run_store(member.config, member.folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        rows = set(figures.rows.model_samples)
        after = [
            s
            for s in store.samples(purpose="evaluation", model=figures.model)
            if s.id in rows and s.prompt_id in prompts
        ]
        before = _evaluated(store, prompts)
        judge = figures.win_rate.judge if figures.win_rate else None
        verdicts = (
            store.verdicts(model=figures.model, baseline=REFERENCE, judge=judge) if judge else []
        )
    seed = member.samples.seed
    return JudgedPolicy(
        member=member,
        before=_summaries(before, prompts, seed),
        after=_summaries(after, prompts, seed),
        kl=[(s.prompt_id, s.log_ratio) for s in after if s.log_ratio is not None],
        outcomes=[(verdict.prompt_id, verdict.outcome) for verdict in verdicts],
    )


def start_summaries(samples: SampleSet) -> list[ArticleSummary]:
    """Return the start's own summaries of held-out articles."""
    with open_run_store(samples.config, samples.folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        return _summaries(_evaluated(store, prompts), prompts, samples.seed)


def rule_summaries(samples: SampleSet) -> dict[str, list[ArticleSummary]]:
    """Return lead-3, random-3 and the human references of the articles that are evaluated."""
    with open_run_store(samples.config, samples.folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        asked = [prompts[s.prompt_id] for s in _evaluated(store, prompts)]
    rules: dict[str, Callable[[Prompt], str | None]] = {
        "human reference": lambda prompt: prompt.reference,
        "lead-3": lambda prompt: lead(prompt.text),
        "random-3": lambda prompt: random_sentences(prompt, samples.seed),
    }
    return {
        name: [
            ArticleSummary(prompt_id=p.id, seed=samples.seed, source=p.text, text=text)
            for p in asked
            if (text := rule(p))
        ]
        for name, rule in rules.items()
    }


def lead(source: str) -> str:
    """Return the first three sentences of a source.

    >>> lead("One. Two. Three. Four.")
    'One. Two. Three.'
    """
    return " ".join(sentences(source)[:N_SENTENCES])


def random_sentences(prompt: Prompt, seed: int) -> str:
    """Return three sentences of a source by lot, in their order."""
    parts = sentences(prompt.text)
    n = min(N_SENTENCES, len(parts))
    chosen = numpy_stream(seed, "random sentences", prompt.id).choice(len(parts), n, replace=False)
    return " ".join(parts[int(i)] for i in sorted(chosen))


def question_summaries(samples: SampleSet) -> tuple[list[ArticleSummary], list[ArticleSummary]]:
    """Return all summaries that labelers were shown, and of each question the most copying one."""
    with open_run_store(samples.config, samples.folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        drawn = {sample.id: sample for sample in store.samples(purpose="labels")}
        questions = [[drawn[i] for i in c.sample_ids] for c in store.comparisons()]
    shown = [sample for question in questions for sample in question]
    scores = copying_scores([prompts[s.prompt_id].text for s in shown], [s.text for s in shown])
    seed = samples.seed
    return _summaries(shown, prompts, seed), _best(questions, scores, prompts, seed)


def chosen_summaries(member: Member) -> list[ArticleSummary]:
    """Return the summaries that a member's labelers chose."""
    with open_run_store(member.config, member.folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        drawn = {sample.id: sample for sample in store.samples(purpose="labels")}
        chosen = [drawn[label.chosen] for label in store.labels() if label.chosen]
    return _summaries(chosen, prompts, member.samples.seed)


def copying_reranked(samples: SampleSet, n: int) -> list[ArticleSummary]:
    """Return of n summaries the one that copies most, by sentences and then by runs of words.

    The control of pure copying: no label and no training (after Ladhak et al. 2022).
    """
    with open_run_store(samples.config, samples.folder, read_only=True) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        candidates = _candidates(store, prompts, n)
    flat = [sample for group in candidates for sample in group]
    scores = copying_scores([prompts[s.prompt_id].text for s in flat], [s.text for s in flat])
    return _best(candidates, scores, prompts, samples.seed)


def reward_reranked(member: Member, n: int, progress: Progress) -> list[ArticleSummary]:
    """Return of n summaries of the start the one that the member's reward model likes best."""
    folder = str(member.folder / "rewards" / f"round-{member.config.rounds - 1}")
    scorer = build_scorer("kept", {"kept": {"kind": "reward_model", "folder": folder}})
    with open_run_store(member.config, member.folder) as store:
        prompts = {prompt.id: prompt for prompt in store.prompts()}
        candidates = _candidates(store, prompts, n)
        flat = [sample for group in candidates for sample in group]
        scores = np.zeros(0)
        if flat:
            scores = score_samples(store, scorer, prompts, flat, progress)
    return _best(candidates, scores, prompts, member.samples.seed)


def copying_scores(sources: Sequence[str], texts: Sequence[str]) -> Scores:
    """Return for each text the share of copied sentences, and behind it that of copied runs."""
    novel = [novel_sentence_share(y, x) for x, y in zip(sources, texts, strict=True)]
    runs = [copied_share(y, x) for x, y in zip(sources, texts, strict=True)]
    copied = [-1.0 if share is None else 1.0 - share for share in novel]
    return np.array(copied, dtype=np.float64) + 1e-3 * np.array(runs, dtype=np.float64)


def _candidates(store: Store, prompts: Mapping[str, Prompt], n: int) -> list[list[Sample]]:
    """Return the first n of each prompt's many samples; prompts that have fewer are left out."""
    groups: dict[str, list[Sample]] = {}
    for sample in store.samples(purpose="frontier", model=REFERENCE):
        if sample.prompt_id in prompts:
            groups.setdefault(sample.prompt_id, []).append(sample)
    return [group[:n] for group in groups.values() if len(group) >= n]


def _best(
    candidates: Sequence[Sequence[Sample]],
    scores: Scores,
    prompts: Mapping[str, Prompt],
    seed: int,
) -> list[ArticleSummary]:
    ends = np.cumsum([len(group) for group in candidates]).tolist()
    best = [
        group[int(np.argmax(scores[end - len(group) : end]))]
        for group, end in zip(candidates, ends, strict=True)
    ]
    return _summaries(best, prompts, seed)


def _evaluated(store: Store, prompts: Mapping[str, Prompt]) -> list[Sample]:
    found = store.samples(purpose="evaluation", model=REFERENCE)
    return [sample for sample in found if sample.prompt_id in prompts]


def _summaries(
    samples: Iterable[Sample], prompts: Mapping[str, Prompt], seed: int
) -> list[ArticleSummary]:
    return [
        ArticleSummary(
            prompt_id=s.prompt_id, seed=seed, source=prompts[s.prompt_id].text, text=s.text
        )
        for s in samples
    ]
