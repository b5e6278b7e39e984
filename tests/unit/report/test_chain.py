"""From the policy back to the words that labelers read: what the records say."""

import re
import shutil
from pathlib import Path

import pytest

from prefloop.comparisons.labels_used import labels_record
from prefloop.figures.provenance import (
    PROVENANCE,
    LabelsRecord,
    ParentRecord,
    Provenance,
)
from prefloop.figures.record import to_json
from prefloop.report.build import build_report
from prefloop.report.chain import Chain, provenance_chain, use_of_labels
from prefloop.report.labels import label_facts
from prefloop.run_folder import read_run_folder
from prefloop.settings.report import ReportConfig
from prefloop.settings.run import RunConfig
from prefloop.store.store import Store
from tests.unit.report.fake_run import fake_config

QUESTION, TEXT = "Which is <b>best</b>?", "Choose what is <i>happy</i>."


def config() -> RunConfig:
    """Return settings whose instructions hold markup."""
    return fake_config(task={"name": "sentiment", "question": QUESTION, "instructions": TEXT})


@pytest.fixture
def run(fake_run: Path, tmp_path: Path) -> Path:
    """A run whose newest policy records what it was made from: all labels of the first round."""
    folder = Path(shutil.copytree(fake_run, tmp_path / "run"))
    with Store.open(folder / "prefloop.db") as store:
        events = store.events_of_kind("label")
        rounds = {c.id: c.round for c in store.comparisons()}
        first = [label for label in store.labels() if rounds[label.comparison_id] == 0]
        as_of = events[len(first) - 1].sequence
        known = [store.labels(split=s, as_of=as_of) for s in ("train", "validation")]
        used = labels_record(store, *known, as_of=as_of, config=config())
    write(folder, "rewards/round-0", used)
    parent = ParentRecord(name="rewards/round-0", sha256="ab" * 32)
    write(folder, "policy/round-0", used, parents=(parent,), updates=32, episodes=2048)
    return folder


def write(
    folder: Path,
    artifact: str,
    labels: LabelsRecord,
    *,
    parents: tuple[ParentRecord, ...] = (),
    updates: int | None = None,
    episodes: int | None = None,
) -> None:
    record = Provenance(
        artifact=artifact,
        settings=config().model_dump(),
        versions={"prefloop": "9.9"},
        labels=labels,
        parents=parents,
        updates=updates,
        episodes=episodes,
    )
    place = folder / artifact
    place.mkdir(parents=True, exist_ok=True)
    (place / PROVENANCE).write_text(to_json(record), encoding="utf-8")


def chain_of(folder: Path) -> Chain:
    with Store.open(folder / "prefloop.db") as store:
        return provenance_chain(store, read_run_folder(folder), config())


def test_the_chain_holds_the_labels_that_the_record_counts_and_no_later_ones(run: Path) -> None:
    chain = chain_of(run)
    used = chain.parents[0].labels
    assert used is not None and chain.is_recorded
    assert (chain.policy, chain.parents[0].name) == ("policy/round-0", "rewards/round-0")
    assert [batch.round for batch in chain.batches] == [0], "round 1 came later"
    assert sum(batch.train for batch in chain.batches) == used.train
    assert sum(batch.validation for batch in chain.batches) == used.validation
    assert chain.n_labels == used.train + used.validation
    assert sum(labeler.labels for labeler in chain.labelers) == chain.n_labels
    assert sum(version.labels for version in chain.versions) == chain.n_labels
    assert {labeler.kind for labeler in chain.labelers} == {"imported"}, "no known synthetic name"
    with Store.open(run / "prefloop.db") as store:
        ids = [label.id for label in store.labels()][: chain.n_labels]
    assert (chain.batches[0].first_id, chain.batches[0].last_id) == (ids[0], ids[-1])


def test_labels_that_came_later_taught_nothing(run: Path, fake_run: Path) -> None:
    chain = chain_of(run)
    with Store.open(run / "prefloop.db") as store:
        labels = store.labels()
        facts = label_facts(labels, {c.id: c for c in store.comparisons()}, ReportConfig())
    taught, measured = (sum(getattr(b, s) for b in chain.batches) for s in ("train", "validation"))
    rest = len(labels) - taught - measured
    assert rest > 0
    said = f"{taught} taught, {measured} only measured, {rest} did neither"
    assert use_of_labels(chain, facts) == said
    nobody_knows = use_of_labels(chain_of(fake_run), facts)
    assert nobody_knows == f"{facts.n_train} to teach, {facts.n_validation} only to measure"


def test_without_a_record_it_says_that_these_are_the_labels_of_today(
    fake_run: Path, page: str
) -> None:
    chain = chain_of(fake_run)
    assert not chain.is_recorded and chain.policy == ""
    assert [batch.round for batch in chain.batches] == [0, 1]
    assert "No record says which labels taught this model" in page


def test_who_was_excluded_is_not_in_it(fake_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(fake_run, tmp_path / "run"))
    before = chain_of(folder)
    with Store.open(folder / "prefloop.db") as store:
        store.exclusions.apply("too fast", before.labelers[0].name, "one second each", "ann")
    after = chain_of(folder)
    assert after.n_labels == before.n_labels - before.labelers[0].labels
    assert before.labelers[0].name not in [labeler.name for labeler in after.labelers]


def test_the_page_tells_it_and_escapes_the_instructions(run: Path) -> None:
    with Store.open(run / "prefloop.db") as store:
        store.instructions.publish("1", QUESTION, TEXT, True, "<owner>")
        page = build_report(run, store, config()).read_text("utf-8")
    chain = page[page.index('id="chain"') : page.index("<h3>Files</h3>")]
    seen = re.sub(r"\s+", " ", chain)
    assert "32 updates, 2,048 episodes" in seen and "made with prefloop 9.9" in seen
    assert "sha256 " + "ab" * 32 in seen
    n = chain_of(run).n_labels
    assert f"1: {n} labels, “Which is &lt;b&gt;best&lt;/b&gt;?”, published by &lt;owner&gt;" in seen
    assert "Choose what is &lt;i&gt;happy&lt;/i&gt;." in seen
    order = ["<b>Policy</b>", "<b>Reward model</b>", "<b>Label batches</b>"]
    order += ["<b>Labelers</b>", "<b>Versions of the instructions</b>"]
    places = [chain.index(part) for part in order]
    assert places == sorted(places)


def test_a_version_that_nobody_kept_says_so(fake_run: Path) -> None:
    with Store.open(fake_run / "prefloop.db") as store:
        other = fake_config(task={"name": "sentiment", "instructions_version": "7"})
        (version,) = provenance_chain(store, read_run_folder(fake_run), other).versions
    assert (version.version, version.question, version.text) == ("1", "", "")
