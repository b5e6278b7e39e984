"""What the responses of an update have in common with each other and with their prompts."""

from collections.abc import Sequence
from statistics import fmean, median

from prefloop.records import Prompt
from prefloop.text.overlap import copied_share, novel_ngram_share
from prefloop.text.repetition import distinct_share_of, said_before_share, top_opening_share
from prefloop.text.words import WORDS_PER_TOKEN, words

LEAST_SOURCE_WORDS = 10
"""A prompt of fewer words holds nothing to copy an answer from."""


def text_metrics(
    prompts: Sequence[Prompt], texts: Sequence[str], *, response_tokens: int
) -> dict[str, float]:
    """Return the metrics of a rollout's texts; `prompts` has the prompt of every text.

    `response_tokens` is the length of the longest response: prompts are a source to copy from if
    the middle one has at least as many words. What no text has, such as word pairs, is left out.
    """
    responses = [words(text) for text in texts]
    found: dict[str, float | None] = {
        "policy/duplicates": said_before_share([prompt.id for prompt in prompts], responses),
        "policy/top_opening": top_opening_share(responses),
        "policy/distinct_2": distinct_share_of(responses, 2),
    }
    sources = [prompt.text for prompt in prompts]
    if _are_sources(sources, response_tokens):
        pairs = list(zip(texts, sources, strict=True))
        novel = [novel_ngram_share(text, source, 2) for text, source in pairs]
        known = [share for share in novel if share is not None]
        found["policy/copied_share"] = fmean(copied_share(*pair) for pair in pairs)
        found["policy/novel_2grams"] = fmean(known) if known else None
    return {name: value for name, value in found.items() if value is not None}


def _are_sources(sources: Sequence[str], response_tokens: int) -> bool:
    middle = median(len(words(source)) for source in sources)
    return middle >= max(LEAST_SOURCE_WORDS, WORDS_PER_TOKEN * response_tokens)
