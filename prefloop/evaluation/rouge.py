"""Word overlap with human answers, where prompts have them."""

from collections.abc import Mapping, Sequence

from prefloop.evaluation.estimates import share_figure
from prefloop.figures.evaluation import RougeFigures, RougeMeasures
from prefloop.records import Prompt, Sample
from prefloop.text.rouge import rouge
from prefloop.text.words import sentences

LEAD_SENTENCES = 3


def rouge_figures(
    prompts: Mapping[str, Prompt],
    model_samples: Sequence[Sample],
    baseline_samples: Sequence[Sample],
) -> RougeFigures | None:
    """Return ROUGE F1 of both models and of the prompt's first three sentences.

    None if no prompt has a human answer. Lead-3 stands beside them because it beat the tuned model
    in 2019: overlap is not quality.
    """
    asked = {sample.prompt_id for sample in model_samples}
    lead = [
        (prompt.id, " ".join(sentences(prompt.text)[:LEAD_SENTENCES]))
        for prompt in prompts.values()
        if prompt.id in asked
    ]
    figures = RougeFigures(
        model=_measures([(s.prompt_id, s.text) for s in model_samples], prompts),
        baseline=_measures([(s.prompt_id, s.text) for s in baseline_samples], prompts),
        lead_3=_measures(lead, prompts),
    )
    return figures if figures.model.rouge_l is not None else None


def _measures(texts: Sequence[tuple[str, str]], prompts: Mapping[str, Prompt]) -> RougeMeasures:
    scored = []
    for prompt_id, text in texts:
        answer = prompts[prompt_id].reference if prompt_id in prompts else None
        if answer is not None:
            scored.append((prompt_id, rouge(text, answer)))
    clusters = [prompt_id for prompt_id, _ in scored]
    return RougeMeasures(
        rouge_1=share_figure([row.rouge_1 for _, row in scored], clusters),
        rouge_2=share_figure([row.rouge_2 for _, row in scored], clusters),
        rouge_l=share_figure([row.rouge_l for _, row in scored], clusters),
    )
