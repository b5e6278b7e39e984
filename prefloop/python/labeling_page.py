"""`prefloop.LabelingPage`: texts of one's own on the labeling page, and the answers."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prefloop.cli.page import labeling_page, served_at
from prefloop.comparisons.exchange.formats import export_file
from prefloop.comparisons.exchange.importer import IMPORTED
from prefloop.comparisons.exchange.own_files import is_own
from prefloop.errors import InputError
from prefloop.figures.text import counted
from prefloop.files import only_one_process
from prefloop.python.given_texts import listed, refuse_wrong_texts
from prefloop.python.run_files import OF_PAGE, parse_sections, refuse_others_file, write_run_file
from prefloop.python.showing import shown_progress
from prefloop.records import Comparison, Prompt, Sample
from prefloop.run.waiting import POLL_SECONDS, is_answered, publish
from prefloop.run_store import open_run_store
from prefloop.seeding import stable_id
from prefloop.settings.comparisons import PEOPLE
from prefloop.text.normal_form import normal_form

ROUND = 0
"""Everything that is asked is asked in the first round."""
MODEL = f"{IMPORTED}given"
"""The model name of texts that somebody gave."""
FEWEST, MOST = 2, 8
"""Texts that one question may show."""
START_SECONDS = 60.0
"""How long the page's process may take to begin."""


@dataclass(frozen=True, kw_only=True)
class GivenAnswer:
    """What one person answered to one question."""

    prompt: str
    """The prompt."""
    responses: tuple[str, ...]
    """The texts of the question, in the order in which they were given."""
    chosen: int | None
    """The index of the best one; None unless `answer` is `best`."""
    answer: str
    """`best`, `tie`, `all_bad`, `skip` or `flag`."""
    labeler: str
    """Who answered."""


class LabelingPage:
    """A page on which people choose the best of several texts, for each prompt.

    The folder is an ordinary run folder: `prefloop serve` serves the same page, `prefloop team add`
    lets others in, `prefloop export` writes the answers in any format. The same lines of Python
    again go on with the answers that are there; more prompts may be added.

    Args:
        folder: The folder; made if it is not there.
        prompts: N prompts.
        responses: For each prompt 2 to 8 different texts.
        question: What people are asked.
        instructions: What they read before they begin; Markdown. Without it, those of the task
            `custom`.
        answers: People who answer each question.
        quiet: Say nothing; then `prefloop team invite` gives the code to log in with.

    Raises:
        InputError: A prompt or text is empty or no text, or there are too few or too many; the
            message says which by its index.
        SettingsError: The folder holds a run file that somebody else wrote.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        prompts: Iterable[str],
        responses: Iterable[Iterable[str]],
        *,
        question: str = "Which response is the best?",
        instructions: str | None = None,
        answers: int = 1,
        quiet: bool = False,
    ) -> None:
        """Store the questions; nothing is served yet."""
        given = _given_texts(prompts, responses)
        self.folder, self._quiet = Path(folder), quiet
        refuse_others_file(self.folder, OF_PAGE)
        read = {} if instructions is None else {"instructions": instructions}
        sections = {
            "task": {"name": "custom", "question": question, **read},
            "comparisons": {"labelers": PEOPLE, "overlap": answers},
        }
        self.config = parse_sections(sections, self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        with only_one_process(self.folder), open_run_store(self.config, self.folder) as store:
            questions = [_question(text, texts) for text, texts in given]
            store.add_all(
                prompts=[prompt for prompt, _, _ in questions],
                samples=[sample for _, samples, _ in questions for sample in samples],
                comparisons=[comparison for _, _, comparison in questions],
            )
            publish(store, self.config.task)
            store.queue.open_batch(ROUND, [(c.id, answers) for _, _, c in questions])
        # At the end: where the store refuses another question, the file still has the first one.
        write_run_file(sections, self.folder, OF_PAGE)

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve the page while a `with` block runs.

        The address, and a code to log in with at the first start, are said as progress.

        Returns:
            A context manager that gives the page's address, which only this machine reaches.

        Raises:
            InputError: The page did not begin within a minute.
        """
        with (
            shown_progress(quiet=self._quiet) as progress,
            labeling_page(self.folder, [], progress, opens_browser=False),
        ):
            until = time.monotonic() + START_SECONDS
            while not (address := served_at(self.folder)):
                if time.monotonic() > until:
                    raise InputError(
                        f"The page of {self.folder} did not begin within a minute. Try `prefloop "
                        f"serve {self.folder}`, which says why."
                    )
                time.sleep(POLL_SECONDS / 5)
            yield address

    def wait(self) -> None:
        """Return when every question has its answers, or nobody is left who could give one."""
        with open_run_store(self.config, self.folder, read_only=True) as store:
            while not is_answered(store, ROUND):
                time.sleep(POLL_SECONDS)

    def answers(self) -> list[GivenAnswer]:
        """Return what people answered so far; an answer that was changed counts once, as it is now.

        Returns:
            The answers, in the order in which they came.
        """
        with open_run_store(self.config, self.folder, read_only=True) as store:
            prompts = {prompt.id: prompt.text for prompt in store.prompts()}
            texts = {sample.id: sample.text for sample in store.samples()}
            asked = {comparison.id: comparison for comparison in store.comparisons()}
            labels = store.labels()
        found = []
        for label in labels:
            ids = asked[label.comparison_id].sample_ids
            found.append(
                GivenAnswer(
                    prompt=prompts[asked[label.comparison_id].prompt_id],
                    responses=tuple(texts[sample_id] for sample_id in ids),
                    chosen=None if label.chosen is None else ids.index(label.chosen),
                    answer=label.answer,
                    labeler=label.labeler,
                )
            )
        return found

    def export(self, file: str | os.PathLike[str], *, format: str = "trl") -> dict[str, int]:
        """Write the answers to a file, such as pairs for TRL or for `prefloop.Run(labels=file)`.

        Args:
            file: The file to write.
            format: `trl`, `raw`, `hh` or another that `prefloop export` writes.

        Returns:
            How many lines were written, and what the format has no room for.

        Raises:
            InputError: There is no answer that fits the format, or another file is there: only an
                earlier export is replaced.
        """
        path = Path(file)
        if path.exists() and not is_own(path):
            raise InputError(
                f"{path} exists already, and was not exported, or was changed since. Give another "
                "name, or delete it first."
            )
        with open_run_store(self.config, self.folder, read_only=True) as store:
            return export_file(store, path, format)


def _given_texts(
    prompts: Iterable[str], responses: Iterable[Iterable[str]]
) -> list[tuple[str, list[str]]]:
    """Return each prompt with its texts; InputError names what cannot be asked."""
    questions = listed("prompts", prompts)
    shown = [
        listed(f"responses[{i}]", texts) for i, texts in enumerate(listed("responses", responses))
    ]
    if len(questions) != len(shown) or not questions:
        raise InputError(
            f"There are {counted(len(questions), 'prompt')}, and {len(shown)} lists of responses: "
            "give a list of texts for each prompt."
        )
    refuse_wrong_texts("prompts", questions)
    for index, texts in enumerate(shown):
        refuse_wrong_texts(f"responses[{index}]", texts)
        n_different = len({normal_form(text) for text in texts})
        if n_different < len(texts) or not FEWEST <= len(texts) <= MOST:
            raise InputError(
                f"responses[{index}] has {counted(len(texts), 'text')}, {n_different} of them "
                f"different; give {FEWEST} to {MOST} different ones."
            )
    return list(zip(questions, shown, strict=True))


def _question(text: str, responses: Sequence[str]) -> tuple[Prompt, list[Sample], Comparison]:
    """Return the records of one question; the same texts have the same ids."""
    prompt = Prompt(id=stable_id("prompt", text), text=text, source="given", split="train")
    samples = [
        Sample(
            id=stable_id("sample", prompt.id, MODEL, response),
            prompt_id=prompt.id,
            model=MODEL,
            round=ROUND,
            purpose="labels",
            text=response,
            response_ids=(),
            is_ended=True,
            logprob=float("nan"),
            ref_logprob=None,
        )
        for response in responses
    ]
    ids = tuple(sample.id for sample in samples)
    name = stable_id("comparison", MODEL, prompt.id, *ids)
    return (
        prompt,
        samples,
        Comparison(id=name, prompt_id=prompt.id, sample_ids=ids, round=ROUND, split="train"),
    )
