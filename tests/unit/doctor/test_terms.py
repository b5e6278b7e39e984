"""The doctor explains the words that stand in its lines, and no others."""

import ast
import re

import pytest

from prefloop.doctor.terms import TERMS, terms_in
from prefloop.figures.check_result import CheckResult
from tests.architecture.source import ROOT


def line(message: str) -> CheckResult:
    return CheckResult(stage="policy", check="c", status="ok", message=message)


def test_terms_come_in_the_order_in_which_they_stand() -> None:
    found = terms_in([line("Padding is token 1."), line("The newest KL is 2.10 nats.")])
    assert [said.split()[:2] for said in found] == [["A", "token"], ["KL", "says"]]
    assert terms_in([line("The database opens."), line("policy.kl.cap is 6.")]) == []


@pytest.mark.parametrize(
    "said",
    [
        "The score went from 0.41 to 2.32 in 24 updates against the reward model.",
        "Reward model 0 agrees with 38 % of 40 validation questions (95 % interval 25–54 %).",
        "The first answers had a KL of 0.00002 nats; the policy is the reference.",
        "1 % of the ratios are clipped in an update.",
        "The values explain 0.27 of the returns' variance; 1 is perfect.",
        "The judge prefers the tuned model on 61 % of 256 held-out prompts.",
        "From one sample to the best of 4 by the reward model.",
    ],
)
def test_what_a_newcomer_cannot_know_is_explained(said: str) -> None:
    words = {"update", "reward model", "validation question", "interval", "KL", "policy"}
    words |= {"reference", "ratio", "returns", "held-out", "best of"}
    explained = " ".join(terms_in([line(said)])).casefold()
    for word in words:
        if re.search(rf"\b{word}", said, re.IGNORECASE):
            assert word.removesuffix("s").casefold() in explained, word


def test_every_term_stands_in_some_line_of_the_package() -> None:
    """A word that no check says any more needs no explanation."""
    folders = ("doctor", "audits", "figures", "evaluation")
    files = [p for f in folders for p in sorted((ROOT / "prefloop" / f).rglob("*.py"))]
    files = [path for path in files if path.name != "terms.py"]
    texts = [
        node.value
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    everything = "\n".join(texts)
    assert [word for word, _ in TERMS if not re.search(word, everything)] == []
