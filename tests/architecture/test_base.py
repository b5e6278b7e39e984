"""Settings: one section per stage, each setting with a description and a default."""

import pytest
from pydantic import BaseModel

from docs.generate import sections
from prefloop.errors import SettingsError
from prefloop.run_file import parse_run
from prefloop.settings.run import RunConfig
from prefloop.settings.section import Section

MOST_FIELDS = 16
"""A section with more should be two."""
CROWDED: dict[str, str] = {}
"""Section -> reason. May only shrink."""

SECTIONS = list(sections(RunConfig))
IDS = [place or "run" for place, _ in SECTIONS]


@pytest.mark.parametrize(("place", "section"), SECTIONS, ids=IDS)
def test_every_setting_is_described(place: str, section: type[BaseModel]) -> None:
    lacking = [
        f"{place}.{name}"
        for name, field in section.model_fields.items()
        if not (field.description or "").strip().endswith((".", ")"))
    ]
    assert lacking == [], "a setting needs a sentence under it"
    assert section.__doc__


@pytest.mark.parametrize(("place", "section"), SECTIONS, ids=IDS)
def test_every_section_is_frozen_strict_and_closed(place: str, section: type[BaseModel]) -> None:
    assert issubclass(section, Section)
    wanted = {"frozen": True, "extra": "forbid", "strict": True}
    assert wanted.items() <= section.model_config.items()


def test_no_section_is_crowded() -> None:
    crowded = {place for place, section in SECTIONS if len(section.model_fields) > MOST_FIELDS}
    assert crowded == set(CROWDED)


def test_everything_but_the_task_has_a_default() -> None:
    required = {n for n, field in RunConfig.model_fields.items() if field.is_required()}
    assert required == {"task"}


def test_a_setting_without_a_description_would_be_seen() -> None:
    class Bare(Section):
        """A section."""

        bare: int = 1

    with pytest.raises(AssertionError, match="needs a sentence"):
        test_every_setting_is_described("bare", Bare)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ({"polcy": {}}, r"polcy: no such setting\. Did you mean policy\?"),
        ({"policy": {"batchsize": 64}}, r"policy\.batchsize: .* Did you mean batch_size\?"),
        ({"policy": {"kl": {"cof": 0.1}}}, r"policy\.kl\.cof: .* Did you mean coef\?"),
        ({"task": {"name": "sentiment", "stopp": "."}}, r"stopp: .* Did you mean stop\?"),
    ],
)
def test_s20_a_misspelt_setting_is_refused_with_a_guess(raw: dict[str, object], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        parse_run(raw, "run.yaml")
