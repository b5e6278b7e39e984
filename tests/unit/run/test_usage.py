"""What was paid for is written down, whatever became of it."""

from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.figures.usage import EndpointUsage, UsageFigures, total_usage
from prefloop.progress import Silent
from prefloop.run.usage import recording_usage
from prefloop.run_folder import read_run_folder


class Spends:
    """Used two requests each time it is asked."""

    def __init__(self, *, n: int = 2) -> None:
        self.n = n

    def take_usage(self, name: str) -> UsageFigures | None:
        if not self.n:
            return None
        usage = EndpointUsage(requests=self.n, prompt_tokens=100)
        return UsageFigures(name=name, model="m", usage=usage, money=0.5, currency="USD")


class Told(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def say(self, text: str) -> None:
        self.texts.append(text)


def test_usage_is_written_said_and_read_again(tmp_path: Path) -> None:
    told = Told()
    for _ in range(2):
        with recording_usage(tmp_path, told, {"judge": Spends(), "lexicon": None}):
            pass
    with recording_usage(tmp_path, told, {"idle": Spends(n=0)}):
        pass
    assert told.texts == ["judge: 2 requests, 100 prompt and 0 completion tokens, 0.500 USD."] * 2
    usages = read_run_folder(tmp_path).usages
    assert [usage.name for usage in usages] == ["judge", "judge"]
    [total] = total_usage(usages)
    assert (total.usage.requests, total.usage.prompt_tokens, total.money) == (4, 200, 1.0)


def test_what_a_failure_cost_is_written_too(tmp_path: Path) -> None:
    with (
        pytest.raises(InputError, match="nonsense"),
        recording_usage(tmp_path, Silent(), {"judge": Spends()}),
    ):
        raise InputError("nonsense")
    assert read_run_folder(tmp_path).usages[0].usage.requests == 2


def test_a_sum_of_unknown_prices_is_unknown() -> None:
    known = Spends().take_usage("judge")
    assert known is not None
    [total] = total_usage((known, known.model_copy(update={"money": None})))
    assert (total.money, total.usage.requests) == (None, 4)
    assert len(total_usage((known, known.model_copy(update={"name": "other"})))) == 2


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "usage.jsonl").write_text('{"name": "judge"}\n')
    with pytest.raises(InputError, match=r"usage\.jsonl does not hold UsageFigures: model is miss"):
        read_run_folder(tmp_path)
