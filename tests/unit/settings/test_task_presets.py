"""The presets say what the table of 2019 says; a run file may change any of it by its name."""

import pytest

from prefloop.errors import SettingsError
from prefloop.run_file import parse_run
from prefloop.settings.task_presets import load_task, preset_names


def test_there_are_four_presets_and_each_names_itself() -> None:
    assert preset_names() == ["custom", "descriptiveness", "sentiment", "summarization"]
    for name in preset_names():
        task = load_task(name)
        assert task.name == name
        assert task.question.endswith("?")
        assert "**tie**" in task.instructions
        assert "**skip**" in task.instructions


@pytest.mark.parametrize("name", ["sentiment", "descriptiveness"])
def test_style_tasks_are_those_of_2019(name: str) -> None:
    """Ziegler et al. 2019, section 3.1, and the launch file of its released code."""
    task = load_task(name)
    assert (task.query_tokens_min, task.query_tokens_max, task.response_tokens) == (32, 64, 24)
    assert (task.start_after, task.end_at, task.prefix, task.suffix) == (".", ".", "", "")
    assert (task.stop, task.stop_min, task.missing_stop_score) == (".", 16, -1.0)
    assert task.temperature == 0.7


def test_summarization_is_the_tldr_task_of_2019() -> None:
    """Ziegler et al. 2019, section 3.2, and the launch file of its released code."""
    task = load_task("summarization")
    assert (task.query_tokens_max, task.response_tokens) == (500, 75)
    assert (task.start_after, task.end_at) == (None, None)
    assert (task.prefix, task.suffix) == ("", "\n\nTL;DR:")
    assert (task.stop, task.stop_min, task.missing_stop_score) == ("\n", 55, -1.0)
    assert task.temperature == 0.7


def test_summarization_labelers_are_told_what_to_do_with_copies() -> None:
    assert "**Copying.**" in load_task("summarization").instructions


def test_a_mapping_changes_the_preset_and_nothing_else() -> None:
    task = load_task({"name": "summarization", "prefix": "Article:\n\n", "temperature": 0.5})
    same = load_task("summarization").model_dump()
    assert task.model_dump() == same | {"prefix": "Article:\n\n", "temperature": 0.5}


def test_a_misspelt_task_is_guessed() -> None:
    with pytest.raises(SettingsError, match="Did you mean sentiment"):
        load_task("sentimnt")


def test_a_mapping_without_a_name_is_told_the_names() -> None:
    with pytest.raises(SettingsError, match="one of custom, descriptiveness, sentiment"):
        load_task({"response_tokens": 8})


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        load_task({"name": "custom", "stop_mn": 3, "response_tokens": "4", "temperature": 0})
    assert str(caught.value).splitlines()[0] == "task has 3 problems:"
    assert "stop_mn: no such setting. Did you mean stop_min?" in str(caught.value)
    assert "response_tokens" in str(caught.value)
    assert "temperature" in str(caught.value)


def test_settings_that_contradict_each_other_are_told() -> None:
    with pytest.raises(SettingsError, match="stop_min 16 leaves no room in response_tokens 10"):
        load_task({"name": "sentiment", "response_tokens": 10})


def test_judge_and_synthetic_labelers_are_those_of_the_task() -> None:
    for task, judge, scorer in (
        ("sentiment", "lexicon", "sentiment"),
        ("descriptiveness", "imagery", "descriptiveness"),
    ):
        config = parse_run({"task": task}, "run.yaml")
        assert config.evaluation.judges == [judge]
        assert config.comparisons.synthetic.scorers == {scorer: 1.0}
    said = {
        "evaluation": {"judges": []},
        "comparisons": {"synthetic": {"scorers": {"length": 1.0}}},
    }
    config = parse_run({"task": "sentiment", **said}, "run.yaml")
    assert config.evaluation.judges == []
    assert config.comparisons.synthetic.scorers == {"length": 1.0}


@pytest.mark.parametrize("task", ["summarization", "custom"])
def test_a_task_that_no_scorer_knows_is_not_judged_by_one(task: str) -> None:
    """A sentiment lexicon would say which summary is happier."""
    config = parse_run({"task": task, "comparisons": {"labelers": "people"}}, "run.yaml")
    assert config.evaluation.judges == []
    with pytest.raises(SettingsError, match="nobody knows what is better at task " + task):
        parse_run({"task": task}, "run.yaml")
    mine = {"synthetic": {"scorers": {"length": 1.0}}}
    assert parse_run({"task": task, "comparisons": mine}, "run.yaml").evaluation.judges == []
