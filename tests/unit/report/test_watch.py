"""Alarms in the report, beside responses of the updates that raised them."""

import re
from pathlib import Path

from prefloop.report.build import build_report
from prefloop.report.watch import shown_alarms
from prefloop.settings.policy import PolicyConfig
from prefloop.store.store import Store
from tests.unit.audits.rollouts import records
from tests.unit.report.fake_run import fake_config

FALLING = records([{"entropy": e} for e in [2.0] * 4 + [0.9] * 4 + [0.2] * 8])


def log(store: Store, n: int) -> None:
    for update in range(1, n + 1):
        text = {"prompt": "Why?", "response": f"<b>{update}</b>", "score": 1.0, "kl": 2.0}
        line = {"stage": "policy", "round": 0, "update": update}
        store.updates.write("policy", 0, update, line, [text])


def test_an_alarm_stands_beside_the_responses_of_its_update(tmp_path: Path) -> None:
    with Store.open(tmp_path / "prefloop.db") as store:
        log(store, 8)
        shown = shown_alarms(store, FALLING, PolicyConfig())
    levels = [(s.update, [alarm.level for alarm in s.alarms]) for s in shown]
    assert levels == [(8, ["warn"]), (11, ["stop"])]
    assert [s.samples[0]["response"] for s in shown if s.samples] == ["<b>8</b>"]


def test_the_report_tells_of_alarms_and_escapes_what_the_policy_wrote(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"stage": "policy", "round": 0, "update": {line.update}, '
        f'"policy/entropy": {line.values["policy/entropy"]}}}\n'
        for line in FALLING
    )
    (tmp_path / "metrics.jsonl").write_text(lines, encoding="utf-8")
    with Store.open(tmp_path / "prefloop.db") as store:
        log(store, 8)
        page = build_report(tmp_path, store, fake_config()).read_text(encoding="utf-8")
    assert "What the watch saw" in page
    assert "Update 8, entropy collapsed" in page
    assert "Update 11, entropy collapsed</b> (a stop)" in page
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(re.findall(r'id="([^"]+)"', page))
    assert 'id="samples-of-update-8"' in page
    assert "&lt;b&gt;8&lt;/b&gt;" in page and "<b>8</b>" not in page
    assert "A look at its responses is left out: the store keeps none of this update" in page
