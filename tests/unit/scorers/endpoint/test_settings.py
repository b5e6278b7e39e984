"""What a run file may say about an endpoint, and what it may never hold."""

from typing import Any

import pytest

from prefloop.errors import SettingsError
from prefloop.run_file import parse_run
from prefloop.scorers.endpoint.settings import EndpointConfig
from prefloop.scorers.endpoint.template import check_template, fill

SECRET = "sk-5ecret-that-nobody-may-see"
SCORER = {"kind": "openai", "base_url": "http://127.0.0.1:8000/v1", "model": "judge-1"}
JUDGE = {**SCORER, "kind": "llm"}


def problem(place: str, **settings: Any) -> str:
    base = SCORER if place == "scorers" else JUDGE
    with pytest.raises(SettingsError) as caught:
        parse_run({place: {"mine": {**base, **settings}}}, "run.yaml")
    return str(caught.value)


def test_an_endpoint_needs_an_address_and_a_model() -> None:
    run = parse_run({"scorers": {"mine": SCORER}, "judges": {"other": JUDGE}}, "run.yaml")
    assert set(run.scorers) == {"mine"} and set(run.judges) == {"other"}
    with pytest.raises(SettingsError, match=r"scorers\.mine\.base_url.*\n.*mine\.model"):
        parse_run({"scorers": {"mine": {"kind": "openai"}}}, "run.yaml")


@pytest.mark.parametrize("place", ["scorers", "judges"])
def test_misspelt_settings_are_told_with_a_guess(place: str) -> None:
    assert f"{place}.mine.concurency: no such setting. Did you mean concurrency?" in problem(
        place, concurency=3
    )
    assert f"{place}.mine.prices.promt: " in problem(place, prices={"promt": 1.0})


@pytest.mark.parametrize("address", ["127.0.0.1:8000", "ftp://host/v1", "http://", "host"])
def test_an_address_that_is_none_is_told(address: str) -> None:
    assert "is not an address such as http://127.0.0.1:8000/v1" in problem(
        "scorers", base_url=address
    )


@pytest.mark.parametrize("address", ["http://host:99999999/v1", "http://host:x/v1"])
def test_a_port_that_is_none_is_told(address: str) -> None:
    assert "Port" in problem("scorers", base_url=address)


def test_the_address_of_the_method_is_understood() -> None:
    for url in ("http://h/v1/", "http://h/v1", "http://h/v1/chat/completions"):
        assert EndpointConfig(base_url=url, model="m").base_url == "http://h/v1"


@pytest.mark.parametrize(
    "settings",
    [
        {"key_variable": SECRET},
        {"key_variable": "lower_case"},
        {"base_url": f"http://user:{SECRET}@host/v1"},
        {"base_url": f"http://host/v1?api-key={SECRET}"},
        {"base_url": f"http://host/v1#{SECRET}"},
        {"options": {"extra_headers": {"Authorization": f"Basic {SECRET}"}}},
        {"options": {"extra": [SECRET]}},
        {"options": {"api-key": "0123"}},
        {"system": f"Use {SECRET} to log in."},
        {"api_key": SECRET},
        {"key": SECRET},
    ],
)
def test_a_key_in_a_run_file_is_refused_and_not_repeated(settings: dict[str, Any]) -> None:
    for place in ("scorers", "judges"):
        assert SECRET not in problem(place, **settings)


def test_ordinary_options_hold_no_key() -> None:
    options = {"max_completion_tokens": 500, "logit_bias": {"50256": -100}, "stop": ["sk-"]}
    assert EndpointConfig(base_url="http://h/v1", model="m", options=options).options == options


def test_a_template_says_what_it_lacks() -> None:
    assert "template: the template lacks {response}" in problem("scorers", template="Rate.")
    assert "the template lacks {a}, {b}" in problem("judges", template="Compare {prompt}")
    told = problem("scorers", template="Rate {respnse} of {response}")
    assert "{respnse}, which is not known. Did you mean {response}?" in told
    assert check_template('{response} as {"json": 1}', required=["response"], optional=[])


def test_texts_are_filled_in_as_they_are() -> None:
    """A response that spells a field is text, not a field."""
    filled = fill("{prompt}|{response}", {"prompt": "{response}", "response": "{prompt} {x} %s"})
    assert filled == "{response}|{prompt} {x} %s"


def test_a_range_needs_two_ends() -> None:
    assert "lowest 5 is not below highest 5" in problem("scorers", lowest=5.0, highest=5.0)


def test_a_key_that_stands_in_an_entry_is_in_no_message_about_what_is_missing() -> None:
    entry = {"kind": "openai", "model": "m", "api_key": SECRET}
    with pytest.raises(SettingsError, match="base_url: this setting is required") as error:
        parse_run({"scorers": {"mine": entry}}, "run.yaml")
    assert SECRET not in str(error.value)
