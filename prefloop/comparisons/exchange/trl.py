"""TRL's preference format: JSONL of `prompt`, `chosen`, `rejected`.

An answer to k samples is k - 1 pairs. Who answered, when, and in which order the samples were shown
is lost; so are ties.
"""

from collections.abc import Sequence

from prefloop.comparisons.exchange.exporter import Outgo, Question, choices, pairs
from prefloop.comparisons.exchange.file_objects import Line
from prefloop.comparisons.exchange.importer import Draft, Intake, Options, Vote

NAME = "trl"
KEYS = ("prompt", "chosen", "rejected")


def read(line: Line, intake: Intake) -> None:
    """Gather the records of one pair."""
    chats = [key for key in KEYS if isinstance(line.fields.get(key), list)]
    if chats:
        line.wrong(chats[0], "is a conversation; write prompt, chosen and rejected as plain texts")
        return
    before = len(line.problems)
    prompt, chosen, rejected = (line.text(key) for key in KEYS)
    if len(line.problems) > before:
        return
    intake.answer(
        intake.prompt(line, prompt, source=NAME),
        [Draft(text=chosen, policy=NAME), Draft(text=rejected, policy=NAME)],
        Vote(choice=0, labeler=NAME, is_order_known=False, is_labeler_known=False),
    )


def write(questions: Sequence[Question], options: Options) -> Outgo:
    """Return the pairs of every answer that chose."""
    outgo = Outgo()
    for question, label, chosen in choices(questions, outgo):
        outgo.counts["labels"] += 1
        for pair in pairs(label, chosen):
            (rejected,) = set(pair) - {chosen}
            outgo.objects.append(
                {
                    "prompt": question.prompt.text,
                    "chosen": question.samples[chosen].text,
                    "rejected": question.samples[rejected].text,
                }
            )
    return outgo
