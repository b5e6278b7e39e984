"""What a run had made that is gone: metrics, model folders, evaluations, checkpoints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prefloop.errors import InputError
from prefloop.figures.check_result import CheckResult
from prefloop.figures.metrics_line import checked_lines
from prefloop.files import numbered_json_lines, verify_folder
from prefloop.run_history import (
    METRICS_FILE,
    StageRecord,
    last_record,
    made_in,
    rewards_lines,
)

CHECK = "nothing that was made is gone"

AGAIN = {
    "checkpoints/policy": "every update of the policy is lost, and `prefloop run` begins again "
    "with the first",
    "rewards/": "the reward model and its figures are lost; `prefloop run` trains it again on the "
    "labels of its round, where the policy still needs it",
    "policy/": "the model folder of the policy that the round ended with is lost; `prefloop run` "
    "writes it again if its weights were kept",
    "evaluation/": "its figures are lost; `prefloop run` evaluates the model again if its weights "
    "were kept",
}
"""By the beginning of a name: what is lost with it, and what is made again."""

FROM_BACKUP = "To have it as it was, put back a backup before you run again."

SHOWN_GAPS = 5


@dataclass(frozen=True, kw_only=True)
class Loss:
    """Something that the run had made and that is gone."""

    message: str
    """What is gone, and what is lost with it."""
    action: str
    """The way out."""

    def __str__(self) -> str:
        return f"{self.message} {self.action}"


def check_losses(folder: Path) -> list[CheckResult]:
    """Return what is gone of what the run had made; what cannot be made again is bad."""
    found = [_result(loss, is_bad=True) for loss in lost_metrics(folder)]
    found += [_result(loss, is_bad=False) for loss in lost_parts(folder)]
    if found:
        return found
    if not made_in(folder):
        message = "The run has made nothing yet."
        return [CheckResult(stage="run folder", check=CHECK, status="later", message=message)]
    message = "Everything that the run had made is there."
    return [CheckResult(stage="run folder", check=CHECK, status="ok", message=message)]


def refuse_lost_metrics(folder: Path) -> None:
    """Raise an InputError if updates that checkpoints hold are not in the metrics."""
    if losses := lost_metrics(folder):
        raise InputError("\n".join(map(str, losses)))


def lost_metrics(folder: Path) -> list[Loss]:
    """Return what is missing in the metrics of models that are there."""
    loss = _lost_updates(folder)
    return ([] if loss is None else [loss]) + _lost_rewards_lines(folder)


def lost_parts(folder: Path) -> list[Loss]:
    """Return the folders and files that the newest record names and that are gone."""
    record = last_record(folder)
    if record is None:
        return []
    there = set(made_in(folder))
    return [_gone(folder, name, record) for name in record.made if name not in there]


def _lost_updates(folder: Path) -> Loss | None:
    """Return what is missing of the policy's updates up to the checkpoint that the run takes."""
    path = folder / METRICS_FILE
    lines = checked_lines(numbered_json_lines(path), path)
    there = {line["update"] for line in lines if line["stage"] == "policy"}
    for number, checkpoint in _policy_checkpoints(folder):
        missing = [update for update in range(1, number + 1) if update not in there]
        if not missing:
            return None
        # A damaged checkpoint is not the one that is taken: the metrics may end before it.
        if not verify_folder(checkpoint):
            return Loss(
                message=f"{folder / METRICS_FILE} holds {number - len(missing)} of the {number} "
                f"updates that {checkpoint.relative_to(folder)} was made by: the figures of update "
                f"{_listed(missing)} are lost.",
                action=_metrics_action(),
            )
    return None


def _policy_checkpoints(folder: Path) -> Iterator[tuple[int, Path]]:
    """Yield the checkpoints that are complete by size with their updates, newest first."""
    for path in sorted((folder / "checkpoints" / "policy").glob("checkpoint-*"), reverse=True):
        number = path.name.removeprefix("checkpoint-")
        if number.isdigit() and not verify_folder(path, hashes=False):
            yield int(number), path


def _lost_rewards_lines(folder: Path) -> list[Loss]:
    record, there = last_record(folder), rewards_lines(folder)
    losses = []
    for number, n_lines in (record.rewards_lines if record else {}).items():
        n_there = there.get(number, 0)
        is_made = not verify_folder(folder / "rewards" / f"round-{number}", hashes=False)
        if is_made and n_there < n_lines:
            message = (
                f"{folder / METRICS_FILE} holds {n_there} of the {n_lines} lines about the reward "
                f"model of round {number}: the figures of the others are lost."
            )
            losses.append(Loss(message=message, action=_metrics_action()))
    return losses


def _metrics_action() -> str:
    return (
        "Put back a backup of the file, or begin a new run: copy run.yaml into a new folder. A run "
        "that went on would report less than it did."
    )


def _listed(numbers: Sequence[int]) -> str:
    """Return rising numbers as ranges: `1 to 4, 7`."""
    ranges: list[list[int]] = []
    for number in numbers:
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    texts = [f"{a}" if a == b else f"{a} to {b}" for a, b in ranges[:SHOWN_GAPS]]
    more = len(ranges) - SHOWN_GAPS
    return ", ".join(texts) + (f" and {more} more gaps" if more > 0 else "")


def _gone(folder: Path, name: str, record: StageRecord) -> Loss:
    meaning = next(text for start, text in AGAIN.items() if name.startswith(start))
    when = f"at the end of {record.stage}, round {record.round}"
    message = f"{folder / name} was there {when}, and is gone: {meaning}."
    return Loss(message=message, action=FROM_BACKUP)


def _result(loss: Loss, *, is_bad: bool) -> CheckResult:
    return CheckResult(
        stage="run folder",
        check=CHECK,
        status="bad" if is_bad else "warn",
        message=loss.message,
        action=loss.action,
    )
