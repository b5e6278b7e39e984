"""A run whose labelers rank all samples, some of them with a slight preference only."""

from pathlib import Path

import yaml

from prefloop.run_file import load_run_file
from prefloop.run_folder import read_canaries, read_run_folder
from prefloop.run_store import open_run_store
from tests.e2e.small_run import finish, prompt_lines, settings


def test_rankings_go_through_the_whole_loop(tmp_path: Path, gpt2_folder: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    prompts = run / "prompts.txt"
    prompts.write_text("\n".join(prompt_lines(160)))
    asked = settings(gpt2_folder, prompts, rounds=1, policy={"episodes": 32})
    asked["comparisons"] |= {"label_type": "ranking"}
    asked["comparisons"].setdefault("synthetic", {})["slight_margin"] = 0.5
    (run / "run.yaml").write_text(yaml.safe_dump(asked))
    finish(run)
    with open_run_store(load_run_file(run / "run.yaml"), run, read_only=True) as store:
        said = [label.details for label in store.labels() if label.answer == "best"]
    assert {"slightly", "clearly"} <= {details.get("strength") for details in said}
    assert all(len(details["ranking"]) > 1 for details in said)
    [export] = [result for result in read_canaries(run) if result.name == "C8"]
    assert export.status == "pass"
    assert read_run_folder(run).latest is not None
