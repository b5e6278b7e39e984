"""The shipped spread of people's impressions says where it is from, and adds up."""

import json

import numpy as np

from prefloop.comparisons.labelers.synthetic import DISAGREEMENT, PRIVATE_SD

FIGURES = json.loads(DISAGREEMENT.read_text("utf-8"))


def test_the_shipped_number_follows_from_its_parts() -> None:
    shares = FIGURES["leaning_share"] + FIGURES["extremeness_share"]
    private = FIGURES["rating_sd_points"] * np.sqrt(1 - shares)
    assert round(private, 3) == round(FIGURES["private_sd_points"], 3)
    assert round(private * FIGURES["odds_per_point"], 2) == round(PRIVATE_SD, 2)


def test_it_names_its_source_and_size() -> None:
    assert "Hutto & Gilbert 2014" in FIGURES["source"]
    assert FIGURES["n_sentences"] == 10605 + 5190 + 4200 + 3708
    assert FIGURES["n_ratings"] > 20 * 20_000
