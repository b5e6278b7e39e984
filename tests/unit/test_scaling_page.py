"""docs/scaling.md: its tables are computed as they say, and say what a file of results says."""

import json
from pathlib import Path
from typing import Any

import pytest

from docs import scaling_tables
from docs.scaling_machines import (
    H100,
    MODELS,
    held_bytes,
    hours,
    needed_bytes,
    paper_run,
    token_seconds,
)
from docs.scaling_tables import PAGE, blocks, filled, growth_table, seconds_a_label, servers_table

LARGE, LLAMA = MODELS["774M (GPT-2 large)"], MODELS["7B (Llama 2)"]


def test_each_block_has_its_place_in_the_page() -> None:
    found = scaling_tables.BLOCK.findall(PAGE.read_text())
    assert sorted(name for _, name, _ in found) == sorted(blocks())


def test_nothing_outside_the_markers_changes() -> None:
    text = "before\n<!-- figures: sizes -->\nold\n<!-- end -->\nafter\n"
    new = filled(text)
    assert new.startswith("before\n<!-- figures: sizes -->\n\n| Model |")
    assert new.endswith("|\n\n<!-- end -->\nafter\n") and "old" not in new
    assert filled(new) == new


def test_without_results_nothing_is_said_to_be_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scaling_tables, "RESULTS", tmp_path / "none.json")
    made = blocks()
    for name in ("constants", "check", "fitted", "memory", "rows", "growth"):
        assert made[name]() == scaling_tables.NOT_YET
    assert scaling_tables.NOT_YET in made["servers"]()


def test_the_paper_run_is_the_papers() -> None:
    policy = paper_run("none").policy
    assert (policy.batch_size, policy.epochs, policy.minibatches) == (512, 4, 1)
    assert 2_000_000 <= policy.episodes < 2_000_000 + 512


def test_training_takes_six_operations_a_weight_over_the_rate() -> None:
    """774M, 2,000,384 episodes of 575 tokens, four epochs; a tenth is attention and LM head."""
    found = hours(LARGE, "none", 8, H100, 0.5).training
    least = 6 * 707_788_800 * 2_000_384 * 575 * 4 / (8 * 0.5 * 989e12)
    assert least < found < 1.2 * least


def test_drawing_reads_every_weight_for_each_token_of_few_responses() -> None:
    # 774 M numbers of 2 bytes over 3.35e12 bytes a second; one row's cache is small beside them
    found = token_seconds(LARGE, "lora", 1.0, 100.0, H100)
    assert found == pytest.approx(2 * 774_030_080 / 3.35e12, rel=0.02)
    assert token_seconds(LARGE, "lora", 512.0, 100.0, H100) > 3 * found


def test_full_copies_of_7b_need_more_than_one_device_and_adapters_do_not() -> None:
    assert held_bytes(LLAMA, "none") == (24 + 2) * 6_738_415_616
    adapters = 5 * 4 * 19_988_480
    assert held_bytes(LLAMA, "lora") == 2 * 6_738_415_616 + adapters
    assert needed_bytes(LLAMA, "lora", 8) < H100.memory < needed_bytes(LLAMA, "lora", 1)


def test_samples_for_labels_take_as_long_on_64_devices_as_on_one() -> None:
    one, many = (hours(LARGE, "lora", n, H100, 0.5) for n in (1, 64))
    assert many.samples == one.samples
    assert many.training == pytest.approx(one.training / 64)
    assert one.sending == 0.0 < many.sending


def test_a_step_of_the_reward_model_has_32_comparisons_to_share_and_no_lm_head() -> None:
    one, some, many = (hours(LARGE, "none", n, H100, 0.5).rewards for n in (1, 32, 64))
    assert many == some == pytest.approx(one / 32)
    # 60,000 rows of 800 tokens, forward and backward, and 512 texts before and behind it
    tokens = 3 * 60_000 * 800 + 2 * 512 * 575
    operations = tokens * (2 * 707_788_800 + 4 * 36 * 1280 * 575)
    assert one == pytest.approx(operations / (0.5 * 989e12))


def test_process_0_has_room_for_samples_and_for_rows_of_four_responses() -> None:
    cache, kept = 64 * 575 * 36 * 2 * 1280, 36 * 16 * 1280
    for n, most in ((1, 8 * cache), (8, cache), (64, max(cache, 8 * 575 * kept))):
        assert needed_bytes(LARGE, "lora", n) == held_bytes(LARGE, "lora") + 2 * most
    # Of 70B the layers keep more of a step than the cache of a rollout takes.
    large = MODELS["70B (Llama 2)"]
    kept = 80 * (6 * 8192 + 2 * 1024 + 4 * 28672)
    assert needed_bytes(large, "lora", 1) == held_bytes(large, "lora") + 2 * 8 * 800 * kept


def test_a_summary_is_read_in_two_and_a_half_minutes() -> None:
    # 500 + 4 x 75 tokens of 0.75 words at 238 a minute, and 2 s for the choice
    assert seconds_a_label("summarization") == pytest.approx(800 * 0.75 / 238 * 60 + 2)


@pytest.fixture
def result() -> dict[str, Any]:
    """A file of results with round numbers."""
    found = {
        "answers": 1000,
        "per_second": 100.0,
        "rows_added": {"events": 1000, "labels": 900},
        "bytes_added": {"events": 600_000, "labels": 500_000, "assignments": 900_000},
    }
    return {"labeling": {"sqlite": found | {"per_second": 400.0}, "postgresql": found}}


def test_what_a_day_adds_is_answers_times_bytes(result: dict[str, Any]) -> None:
    table = growth_table(result)
    daily = 10_000 * 8 * 3600 / seconds_a_label("summarization")
    assert f"| `events` | 1.00 | 600 | {600 * daily / 1e9:.1f} GB |" in table
    assert "First to be large: `assignments`." in table


def test_what_people_need_is_a_share_of_what_a_server_takes(result: dict[str, Any]) -> None:
    share = 100 * 10_000 / seconds_a_label("sentiment") / 100.0
    (line,) = (x for x in servers_table(result).splitlines() if x.startswith("| PostgreSQL"))
    assert line.endswith(f"| {share:.0f} % |")
    assert "took 0.25 times as many over PostgreSQL as over SQLite." in servers_table(result)


def test_the_rate_over_sqlite_is_that_of_the_benchmark(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"side": "prefloop", "killed": False, "per_second": 700.0},
        {"side": "prefloop", "killed": True, "per_second": 1.0},
        {"side": "Potato", "killed": False, "per_second": 30.0},
    ]
    (tmp_path / "p.json").write_text(json.dumps({"rows": rows}))
    monkeypatch.setattr(scaling_tables, "BESIDE_POTATO", tmp_path / "p.json")
    assert scaling_tables.sqlite_rate() == 700.0
