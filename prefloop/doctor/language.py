"""Check of the language: do scorers that rest on English words find any in the prompts?"""

from prefloop.figures.check_result import CheckResult
from prefloop.prompts.sources import read_passages
from prefloop.scorers.english import english_warnings
from prefloop.settings.run import RunConfig

LOOKED_AT = 200
"""Passages whose words are counted."""


def check_language(config: RunConfig) -> CheckResult:
    """Return whether scorers that know English words alone are asked about English texts."""
    passages = read_passages(config.prompts).passages[:LOOKED_AT]
    warnings = english_warnings(config, [passage.text for passage in passages])
    return CheckResult(
        stage="prompts",
        check="scorers know the language",
        status="warn" if warnings else "ok",
        message=" ".join(warnings) or "No scorer is asked about words that it does not know.",
        action="Choose other scorers in comparisons, policy.reward or evaluation.judges."
        if warnings
        else "",
    )
