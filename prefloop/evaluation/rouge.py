"""Word overlap with human answers, where prompts have them."""

from collections.abc import Mapping, Sequence
from typing import Any

from prefloop.evaluation.estimates import share_row
from prefloop.records import Prompt, Sample
from prefloop.text.rouge import rouge
from prefloop.text.words import sentences

LEAD_SENTENCES = 3


def rouge_figures(
    prompts: Mapping[str, Prompt],
    policy_samples: Sequence[Sample],
    reference_samples: Sequence[Sample],
) -> dict[str, Any] | None:
    """Return ROUGE F1 of both models and of the prompt's first three sentences.

    None if no prompt has a human answer. Lead-3 stands beside them because it beat the tuned model
    in 2019: overlap is not quality.
    """
    asked = {sample.prompt_id for sample in policy_samples}
    lead = [
        (prompt.id, " ".join(sentences(prompt.text)[:LEAD_SENTENCES]))
        for prompt in prompts.values()
        if prompt.id in asked
    ]
    rows = {
        "policy": _rows([(s.prompt_id, s.text) for s in policy_samples], prompts),
        "reference": _rows([(s.prompt_id, s.text) for s in reference_samples], prompts),
        "lead_3": _rows(lead, prompts),
    }
    return rows if rows["policy"]["rouge_l"] is not None else None


def _rows(texts: Sequence[tuple[str, str]], prompts: Mapping[str, Prompt]) -> dict[str, Any]:
    scored = []
    for prompt_id, text in texts:
        answer = prompts[prompt_id].reference if prompt_id in prompts else None
        if answer is not None:
            scored.append((prompt_id, rouge(text, answer)))
    clusters = [prompt_id for prompt_id, _ in scored]
    return {
        name: share_row([getattr(row, name) for _, row in scored], clusters)
        for name in ("rouge_1", "rouge_2", "rouge_l")
    }
