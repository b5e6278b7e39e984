"""`prefloop.LabelingPage`: questions from texts of one's own, and the answers to them."""

from pathlib import Path
from typing import Any

import pytest

import prefloop
from prefloop.errors import InputError, SettingsError, StoreError
from prefloop.store.store import Store

PROMPTS = ["Thank a friend.", "Say that you are late."]
RESPONSES = [["Thanks!", "Ta.", "Cheers."], ["I am late.", "Wait."]]


def page_in(folder: Path, **changes: Any) -> prefloop.LabelingPage:
    given = {"prompts": PROMPTS, "responses": RESPONSES, "quiet": True, **changes}
    return prefloop.LabelingPage(folder, **given)


def test_texts_become_questions_once_and_more_may_be_added(tmp_path: Path) -> None:
    page_in(tmp_path / "page", prompts=iter(PROMPTS), responses=map(tuple, RESPONSES))
    page = page_in(
        tmp_path / "page",
        prompts=[*PROMPTS, "Say no."],
        responses=[*RESPONSES, ["No.", "No, thank you."]],
    )
    with Store.open(page.folder / "prefloop.db") as store:
        assert [prompt.text for prompt in store.prompts()] == [*PROMPTS, "Say no."]
        assert sorted(len(c.sample_ids) for c in store.comparisons()) == [2, 2, 3]
        batch = store.queue.batch(0)
        assert batch is not None and (batch.wanted, batch.answered) == (3, 0)
    assert page.answers() == []
    with pytest.raises(InputError, match="Nothing in the store fits the format trl"):
        page.export(tmp_path / "pairs.jsonl")
    page.export(tmp_path / "all.jsonl", format="raw")
    page.export(tmp_path / "all.jsonl", format="raw")
    (tmp_path / "all.jsonl").write_text("mine")
    with pytest.raises(InputError, match=r"all\.jsonl exists already"):
        page.export(tmp_path / "all.jsonl", format="raw")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"prompts": ["Thank a friend."]}, r"1 prompt, and 2 lists of responses: give"),
        ({"prompts": ["Thank a friend.", ""]}, r"prompts\[1\] is ''"),
        ({"prompts": "Thank a friend."}, r"prompts is 'Thank a friend\.'; give a list"),
        ({"responses": [RESPONSES[0], "Late."]}, r"responses\[1\] is 'Late\.'; give a list"),
        ({"responses": [RESPONSES[0], ["Late.", None]]}, r"responses\[1\]\[1\] is None"),
        ({"responses": [["One."], RESPONSES[1]]}, r"responses\[0\] has 1 text, 1 of them differ"),
        ({"responses": [["A.", "a."], RESPONSES[1]]}, r"responses\[0\] has 2 texts, 1 of them"),
    ],
)
def test_texts_that_cannot_be_asked_are_named(
    tmp_path: Path, changes: dict[str, Any], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        page_in(tmp_path / "page", **changes)
    assert not (tmp_path / "page").exists()


def test_a_run_file_of_somebody_elses_stays(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("task: sentiment\n")
    with pytest.raises(SettingsError, match=r"was not written by prefloop\.LabelingPage"):
        page_in(tmp_path)


def test_another_question_beside_answers_to_the_first_is_refused(tmp_path: Path) -> None:
    page_in(tmp_path / "page")
    with pytest.raises(StoreError, match="published with other words"):
        page_in(tmp_path / "page", question="Which is kindest?")
