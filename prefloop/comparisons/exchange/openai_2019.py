"""The labels of Ziegler et al. 2019: a JSON array of token ids.

    {"query": [ids], "sample0": [ids], ..., "sample3": [ids], "best": 0 to 3}

Responses are filled up to one length with token 50259. The order of the samples is taken for the
order shown. Source: openai/lm-human-preferences, `label_types.py` (best_of_4), `train_reward.py`.
"""

from collections.abc import Sequence

from prefloop.comparisons.exchange.exporter import Outgo, Question, choices
from prefloop.comparisons.exchange.file_objects import Line
from prefloop.comparisons.exchange.importer import Draft, Intake, Options, Vote
from prefloop.errors import InputError

NAME = "openai_2019"
K = 4
UNREADABLE = (KeyError, IndexError, ValueError, OverflowError)
"""What tokenizers raise for an id that they do not know."""


def read(line: Line, intake: Intake) -> None:
    """Gather the records of one answer."""
    before = len(line.problems)
    query = _text(line, "query", intake.options)
    keys = [f"sample{i}" for i in range(K)]
    drafts = [
        Draft(
            text=_text(line, key, intake.options),
            policy=NAME,
            response_ids=_ids(line, key, intake.options),
        )
        for key in keys
    ]
    best = line.index("best", K)
    if len(line.problems) > before:
        return
    intake.answer(
        intake.prompt(line, query, source=NAME),
        drafts,
        Vote(choice=best, labeler=NAME, is_labeler_known=False),
    )


def write(questions: Sequence[Question], options: Options) -> Outgo:
    """Return the answers to four samples, in the order shown, as token ids."""
    if options.encode is None:
        raise InputError(f"{NAME} holds token ids; name the model whose tokenizer is to make them.")
    outgo = Outgo(is_array=True)
    for question, label, chosen in choices(questions, outgo):
        if len(label.shown) != K:
            outgo.counts["left_out_size"] += 1
            continue
        outgo.counts["labels"] += 1
        row: dict[str, list[int] | int] = {"query": list(options.encode(question.prompt.text))}
        for i, sample_id in enumerate(label.shown):
            row[f"sample{i}"] = list(options.encode(question.samples[sample_id].text))
        outgo.objects.append(row | {"best": label.shown.index(chosen)})
    _fill_up(outgo.objects, options.pad_id)
    return outgo


def _ids(line: Line, key: str, options: Options) -> tuple[int, ...]:
    """The ids without what fills them up."""
    raw = line.fields.get(key)
    if not isinstance(raw, list):
        return ()
    start, end = 0, len(raw)
    while end > start and raw[end - 1] == options.pad_id:
        end -= 1
    while start < end and raw[start] == options.pad_id:
        start += 1
    return tuple(raw[start:end])


def _text(line: Line, key: str, options: Options) -> str:
    if options.decode is None:
        raise InputError(f"{NAME} holds token ids; name the model whose tokenizer made them.")
    before = len(line.problems)
    line.wholes(key)
    if len(line.problems) > before:
        return ""
    try:
        return options.decode(_ids(line, key, options))
    except UNREADABLE as error:
        line.wrong(
            key, f"holds ids that this tokenizer does not know ({error}); name another model"
        )
        return ""


def _fill_up(rows: list[dict[str, list[int]]], pad_id: int) -> None:
    """Give all queries one length, and all samples one; the schema has fixed shapes."""
    query_length = max((len(row["query"]) for row in rows), default=0)
    keys = [f"sample{i}" for i in range(K)]
    sample_length = max((len(row[key]) for row in rows for key in keys), default=0)
    for row in rows:
        # Queries on the left, so that the response follows at once.
        row["query"] = [pad_id] * (query_length - len(row["query"])) + row["query"]
        for key in keys:
            row[key] = row[key] + [pad_id] * (sample_length - len(row[key]))
