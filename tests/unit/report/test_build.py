"""The report of a whole run, of an empty one, and of one that holds hostile text."""

import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from prefloop.errors import InputError
from prefloop.figures.evaluation import EvaluationFigures
from prefloop.figures.prompts import PromptFigures
from prefloop.figures.record import to_json
from prefloop.figures.repetition import PhraseFigures, RepetitionFigures
from prefloop.figures.text import fixed, money, percent, share_interval
from prefloop.figures.usage import EndpointUsage, UsageFigures
from prefloop.files import append_json_line
from prefloop.report.build import build_report
from prefloop.run_folder import PROMPTS, evaluation_path, read_run_folder
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.evaluation.worlds import prompt, sample
from tests.unit.figures.test_reading import EARLIER
from tests.unit.report.fake_run import fake_config, make_run, policy_name

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Outline(HTMLParser):
    """Collects tags and attributes, and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _outline(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    assert outline.open == []
    return outline


def _build(folder: Path, config: RunConfig | None = None) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    with Store.open(folder / "prefloop.db") as store:
        path = build_report(folder, store, config or fake_config())
    return path.read_text(encoding="utf-8")


def _figures(folder: Path) -> EvaluationFigures:
    latest = read_run_folder(folder).latest
    assert latest is not None
    return latest.figures


def test_the_verdict_stands_at_the_top_as_the_evaluation_found_it(
    fake_run: Path, page: str
) -> None:
    shown = re.search(r'class="verdict">([^<]*)<', page)
    assert shown is not None
    plain = shown[1].replace("\u2060", "").replace("\u202f", " ").strip()
    assert plain == _figures(fake_run).verdict


def test_the_page_is_whole_and_needs_nothing_from_outside(page: str) -> None:
    outline = _outline(page)
    assert not outline.tags & {"script", "img", "link", "iframe", "object", "base"}
    links = [value or "" for name, value in outline.attributes if name in {"href", "src"}]
    assert links
    assert all(link.startswith(("#", "../")) for link in links)
    assert not [name for name, _ in outline.attributes if name.startswith("on")]
    assert "url(" not in page
    assert "@import" not in page


def test_links_lead_to_files_of_the_run(fake_run: Path, page: str) -> None:
    targets = set(re.findall(r'href="\.\./([^"]+)"', page)) - {"run.resolved.yaml"}
    assert f"evaluation/{policy_name(1)}.json" in targets
    assert "rewards/round-0/trust.json" in targets
    assert [name for name in targets if not (fake_run / name).exists()] == []


def test_anchors_have_targets_and_ids_are_unique(page: str) -> None:
    ids = [value for name, value in _outline(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    described = re.findall(r'aria-labelledby="([^"]+)"', page)
    assert {part for names in described for part in names.split()} <= set(ids)


def test_the_head_of_the_ledger_is_on_the_page(fake_run: Path, page: str) -> None:
    with Store.open(fake_run / "prefloop.db") as store:
        head = store.ledger_head()
    assert f"had {head.n_events} events" in page and f"<code>{head.hash}</code>" in page


def test_hostile_samples_are_text(page: str) -> None:
    assert "&lt;script&gt;alert(1)" in page, "the hostile prompt is shown"
    assert "<script>" not in page
    assert "⟨U+202E⟩" in page
    assert "\u202e" not in page


def test_the_most_repeated_openings_stand_with_what_else_it_learned(
    fake_run: Path, page: str
) -> None:
    repetition = _figures(fake_run).repetition
    assert repetition is not None
    assert repetition.said_before is not None
    header = page[page.index('id="learned"') : page.index('id="labels"')].replace("\u202f", " ")
    for opening in repetition.openings:
        assert f"“{opening.phrase}” {percent(opening.share, 1)}" in header
    assert f"{percent(repetition.said_before, 1)} of the responses had been given" in header
    assert repetition.openings or "No two responses begin" in header


def test_a_word_that_has_taken_over_is_a_warning(fake_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(fake_run, tmp_path / "run"))
    figures = _figures(folder)
    phrase = PhraseFigures(phrase="<b>glorious", share=0.51, baseline_share=0.03)
    found = RepetitionFigures(
        openings=(), words=(phrase,), said_before=0.0, baseline_said_before=0.0
    )
    changed = figures.model_copy(update={"repetition": found})
    evaluation_path(folder, figures.model).write_text(to_json(changed))
    header = _build(folder).partition('id="learned"')[2].replace("\u202f", " ")
    assert "“&lt;b&gt;glorious” stands in 51 % of the responses, before in 3 %" in header


def test_pairs_are_drawn_by_lot_and_do_not_change(fake_run: Path) -> None:
    pages = [_build(fake_run, fake_config(seed=seed, report={"pairs": 5})) for seed in (7, 7, 8)]
    shown = [re.findall(r'class="ids">prompt (\w+)', page) for page in pages]
    assert shown[0] == shown[1] != shown[2]
    assert all(len(ids) == 5 for ids in shown)
    assert "drawn by lot with the run's seed (7)" in pages[0].replace("&#39;", "'")


def test_figures_on_the_page_are_those_of_the_files(fake_run: Path, page: str) -> None:
    figures = _figures(fake_run)
    text = page.replace("\u202f", " ").replace("\u2060", "")
    assert figures.copying.model is not None and figures.win_rate is not None
    sentences = figures.copying.model.novel_sentences
    assert sentences is not None
    assert f"<td>{percent(sentences.value)}" in text
    place = figures.copying.model.copied_place
    shown = "–" if place is None else percent(place.value)
    [row] = [r for r in text.split("<tr>") if "Place of copied runs in the prompt" in r]
    assert f"<td>{shown}" in row
    assert f">{figures.win_rate.wins}<" in text
    rate = figures.win_rate.rate
    assert text.count(share_interval(rate.low, rate.high)) == 3, "sentence, bar and table agree"
    trust = read_run_folder(fake_run).trusts[1].figures
    assert trust.validation is not None
    assert fixed(trust.validation.calibration.error, 3) in text
    with Store.open(fake_run / "prefloop.db") as store:
        labels = store.labels()
    hours = sum(label.seconds for label in labels) / 3600
    assert money(hours * 15, "USD") in text
    assert f"{len(labels)} labels by" in text


def test_an_empty_run_has_a_report_that_claims_nothing(tmp_path: Path) -> None:
    page = _build(tmp_path / "empty")
    _outline(page)
    assert "is not known; the run has no evaluation yet" in page
    assert page.count('class="absent"') >= 7
    assert "<svg" not in page
    assert " prefers " not in page


def test_without_a_judge_the_rest_is_still_shown(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "unjudged", rounds=1, n_held_out=6, judges=())
    page = _build(folder)
    assert "is not known; no judge was asked" in page
    assert "Copying from the prompt" in page
    assert "tuned model preferred" not in page


def test_every_model_and_judge_has_its_row(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "two", n_held_out=6, judges=("lexicon", "length"))
    page = _build(folder)
    table = page[page.index('id="better"') : page.index('id="learned"')]
    rows = re.findall(r"<tr><td>(policy after update \d+)</td><td>(\w+)</td>", table)
    assert rows == [
        ("policy after update 32", "lexicon"),
        ("policy after update 32", "length"),
        ("policy after update 64", "lexicon"),
        ("policy after update 64", "length"),
    ]
    assert "The judges are a list of rated words and a preference for length" in table


def test_the_method_that_ran_is_named(fake_run: Path, page: str) -> None:
    assert "episodes of PPO" in page
    assert "Training: PPO" in page
    line = '{"stage": "policy", "round": 0, "update": 1, "method": "rloo", "policy/kl": 0.0}\n'
    other = fake_run.parent / "other"
    other.mkdir()
    (other / "metrics.jsonl").write_text(line)
    assert "Training: RLOO" in _build(other), "the metrics say what ran"
    assert "Training: RLOO" in _build(
        fake_run.parent / "none", fake_config(policy={"method": "rloo"})
    ), "before the first update the settings do"


def test_what_the_labelers_scorers_were_calibrated_on_is_told(page: str) -> None:
    assert "who prefer sentiment (1; calibrated on 15,607 sentences" in page


def test_a_judge_that_shares_a_source_is_named(fake_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(fake_run, tmp_path / "shared"))
    figures = _figures(folder)
    assert figures.win_rate is not None
    judge = figures.win_rate.model_copy(update={"shared_sources": ("person:ann",)})
    shared = figures.model_copy(update={"win_rates": (judge,)})
    evaluation_path(folder, figures.model).write_text(to_json(shared))
    page = _build(folder)
    assert "is no independent judge: it rests on what labels rest on too (person:ann)" in page
    assert "had no part in the labels" not in page


def test_what_an_endpoint_cost_is_told(fake_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(fake_run, tmp_path / "paid"))
    usage = EndpointUsage(requests=512, prompt_tokens=81_000, completion_tokens=1024)
    line = UsageFigures(name="<judge>", model="m", usage=usage, money=1.25, currency="EUR")
    for _ in range(2):
        append_json_line(folder / "usage.jsonl", line.model_dump())
    page = _build(folder)
    assert "<dt>&lt;judge&gt;</dt><dd>asked the model m over HTTP: 1,024 requests, " in page
    assert "162,000 prompt and 2,048 completion tokens, 2.50 EUR</dd>" in page


def _add_earlier_samples(folder: Path) -> None:
    """Store samples under the ids that the earlier run's evaluation names."""
    rows = _figures(folder).rows
    with Store.open(folder / "prefloop.db") as store:
        drawn = {"policy/round-0": rows.model_samples, "reference": rows.baseline_samples}
        for model, ids in drawn.items():
            store.add_prompts([prompt(n) for n in range(len(ids))])
            store.add_samples(
                [replace(sample(n, "A day.", model=model), id=id_) for n, id_ in enumerate(ids)]
            )


def test_the_report_of_an_earlier_run_is_as_good(tmp_path: Path) -> None:
    """Its evaluation is one of a round, and its metrics have earlier names."""
    folder = Path(shutil.copytree(EARLIER, tmp_path / "run"))
    _add_earlier_samples(folder)
    page = _build(folder)
    assert "the tuned model came out ahead on 52\u202f% of 24" in page
    assert "policy of round 0" in page


def test_a_torn_figures_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "evaluation" / "round-0.json").write_text('{"round": 0')
    with pytest.raises(InputError, match=r"round-0\.json is not JSON .*`prefloop evaluation`"):
        _build(tmp_path)


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    """Passages that give no prompt, with the reason."""
    reasons = {"come back changed from this model's tokenizer": 180}
    figures = PromptFigures(
        source="p.txt", passages=200, prompts=20, left_out=reasons, repeats=(), empty_rows=0
    )
    tmp_path.joinpath(PROMPTS).write_text(to_json(figures))
    assert read_run_folder(tmp_path).prompts == figures
    told = "180 of 200 passages give no prompt: 180 come back changed from this model"
    assert told in _build(tmp_path)
    tmp_path.joinpath(PROMPTS).write_text("{}")
    with pytest.raises(InputError, match="run `prefloop prompts` again"):
        read_run_folder(tmp_path)


def test_a_judge_that_was_left_out_has_its_reason(tmp_path: Path, fake_run: Path) -> None:
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    latest = read_run_folder(run).latest
    assert latest is not None
    missing = latest.figures.missing | {"win rate of lexicon": "it rates English words"}
    changed = latest.figures.model_copy(update={"missing": missing})
    (run / latest.path).write_text(to_json(changed))
    assert "The win rate of lexicon is left out: it rates English words." in _build(run)


def test_only_what_is_drawn_of_the_training_is_explained(tmp_path: Path, fake_run: Path) -> None:
    run = Path(shutil.copytree(fake_run, tmp_path / "run"))
    assert "it answers some prompts" in _build(run) and "<dfn>Entropy</dfn>" in _build(run)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    of_ppo = {"episodes", "policy/entropy", "policy/clip_fraction", "policy/explained_variance"}
    kept = ({key: line[key] for key in line.keys() - of_ppo} for line in lines)
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in kept))
    page = _build(run)
    assert "each changes it a little" in page
    assert all(f"<dfn>{word}</dfn>" not in page for word in ("Entropy", "ratio", "value head"))


def test_a_warm_start_stands_with_what_was_asked(fake_run: Path) -> None:
    words = "where none did, the passages that the prompts are from (2 passes); the reference"
    warm = fake_config(policy={"warm_start": {"epochs": 2}})
    assert words in _build(fake_run, warm)
    assert "Warm start" not in _build(fake_run)
