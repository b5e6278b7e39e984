"""The reward model: sequences of ids in, scores out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from prefloop.batches import PreferenceBatch
from prefloop.errors import DivergedError
from prefloop.figures.trust import HeldOutFigures
from prefloop.functional.ensemble import centering_shifts
from prefloop.functional.normalization import gain_and_shift
from prefloop.models.heads import ScoreHead
from prefloop.models.padding import pad_right
from prefloop.models.processes import Processes
from prefloop.models.roles import ModelRoles
from prefloop.models.runtime import to_host, to_numpy
from prefloop.models.scoring import last_token_scores
from prefloop.models.shared_query import grouped, row_length
from prefloop.rewards.comparison_reader import ComparisonReader
from prefloop.seeding import derive_seed

Sequences = Sequence[Sequence[int]]

SCORING_BATCH = 32

PREFIX_CACHE_BYTES = 1_000_000_000
"""Memory for the frozen-layer outputs of the sequences that `RewardModel.build_prefix_cache` is
given; if they do not fit, they are computed again each time."""

HeadReading = Callable[[Float[Tensor, "B D"]], Tensor]
"""What a head says of the hidden states of last tokens."""


class RewardModel:
    """The model in the reward role, with its score head."""

    def __init__(
        self,
        roles: ModelRoles,
        *,
        pad_id: int,
        seed: int,
        members: int = 1,
        processes: Processes | None = None,
    ) -> None:
        """`members` are the linear heads of an ensemble, which share the model below them; several
        `processes` share its training."""
        self.processes = processes or Processes()
        self.roles = roles
        self.role_model = roles.reward
        self.pad_id = pad_id
        self.seed = seed
        self.head = ScoreHead(
            self.role_model.width,
            seed=derive_seed(seed, "score head", 0),
            runtime=self.role_model.runtime,
            members=members,
        )
        self.reference_spread: float | None = None
        """Mean spread of the members on reference samples, once the model is trained."""
        self.held_out: HeldOutFigures | None = None
        """What the policy is not paid for, once the model is trained; None: for nothing."""
        self._prefix_cache: dict[tuple[int, ...], Tensor] = {}
        self._comparisons = ComparisonReader(self.role_model, pad_id)

    @property
    def named_parameters(self) -> list[tuple[str, torch.nn.Parameter]]:
        """All trained parameters: the model's weights and the head's."""
        return [*self.role_model.named_parameters, ("score.weight", self.head.weight)]  # type: ignore[list-item]

    @property
    def fingerprint(self) -> str:
        """A hash of the head, which every training changes and no other model shares."""
        weight = to_numpy(self.head.mean_weight)
        return sha256(weight.tobytes() + repr(self.head.shift).encode()).hexdigest()

    def reset(self, round_number: int) -> None:
        """Reset to the base with a new random head, as every round does (2019)."""
        self.roles.reset(self.role_model, round_number)
        self.head.reset(derive_seed(self.seed, "score head", round_number))

    def forward(
        self, sequences: Sequences, *, prefix_states: Float[Tensor, "B L D"] | None = None
    ) -> Float[Tensor, " B"]:
        """Return scores with their gradient; one pass, so keep it to a microbatch.

        `prefix_states` are the frozen-layer outputs for the sequences. None: they come from the
        cache if it has them all; otherwise the frozen layers are run.
        """
        return self._read(self.head.scores, sequences, prefix_states)

    def _read(
        self,
        read: HeadReading,
        sequences: Sequences,
        prefix_states: Float[Tensor, "B L D"] | None = None,
    ) -> Tensor:
        ids, mask = self._padded(sequences)
        known = self._cached_prefix(sequences) if prefix_states is None else prefix_states
        return last_token_scores(self.role_model, read, ids, mask, prefix_states=known)

    @contextmanager
    def use_prefix_cache(
        self, prefix_states: Mapping[tuple[int, ...], Float[Tensor, "L D"]]
    ) -> Iterator[None]:
        """Use these frozen-layer outputs, by sequence, in all passes inside the block."""
        self._prefix_cache = dict(prefix_states)
        try:
            yield
        finally:
            self._prefix_cache = {}

    @contextmanager
    def build_prefix_cache(self, sequences: Sequences) -> Iterator[None]:
        """Run the frozen layers on each sequence once, for all passes inside the block.

        Nothing is cached if no layer is frozen, or if it would take more than PREFIX_CACHE_BYTES.
        """
        distinct = sorted({tuple(sequence) for sequence in sequences}, key=len)
        n_bytes = 4 * self.role_model.width * sum(map(len, distinct))
        known: dict[tuple[int, ...], Tensor] = {}
        if self.role_model.frozen_prefix is not None and n_bytes <= PREFIX_CACHE_BYTES:
            for start in range(0, len(distinct), SCORING_BATCH):
                batch = distinct[start : start + SCORING_BATCH]
                known |= zip(batch, self._run_frozen(batch), strict=True)
        with self.use_prefix_cache(known):
            yield

    def _cached_prefix(self, sequences: Sequences) -> Float[Tensor, "B L D"] | None:
        rows = [self._prefix_cache.get(tuple(sequence)) for sequence in sequences]
        known = [row for row in rows if row is not None]
        return pad_sequence(known, batch_first=True) if len(known) == len(rows) else None

    @torch.no_grad()
    def score(self, sequences: Sequences) -> Float[Tensor, " B"]:
        """Return the scores of any number of sequences, in their order; equals are read once."""
        return self._in_batches(self.head.scores, sequences, ())

    @torch.no_grad()
    def score_with_members(
        self, sequences: Sequences
    ) -> tuple[Float[Tensor, " B"], Float[Tensor, "B M"]]:
        """Return the scores, and what each member says, from one pass."""

        def both(hidden: Float[Tensor, "B D"]) -> Float[Tensor, "B M+1"]:
            parts = (self.head.scores(hidden)[:, None], self.head.member_scores(hidden))
            return torch.cat(parts, dim=1)

        found = self._in_batches(both, sequences, (self.head.members + 1,))
        return found[:, 0], found[:, 1:]

    def _in_batches(
        self, read: HeadReading, sequences: Sequences, shape: tuple[int, ...]
    ) -> Tensor:
        distinct = list(dict.fromkeys(map(tuple, sequences)))
        found = self.head.weight.new_empty((len(distinct), *shape))
        groups = grouped(distinct) if self._shares else [[i] for i in range(len(distinct))]
        alone = [group for group in groups if len(group) == 1]
        for batch in _batches(alone, distinct):
            places = [i for group in batch for i in group]
            found[places] = self._read(read, [distinct[i] for i in places])
        for batch in _batches([group for group in groups if len(group) > 1], distinct):
            places = [i for group in batch for i in group]
            rows = [[distinct[i] for i in group] for group in batch]
            found[places] = read(self._comparisons.last_hidden_once(rows))
        place = {sequence: i for i, sequence in enumerate(distinct)}
        return found[[place[tuple(sequence)] for sequence in sequences]]

    @property
    def _shares(self) -> bool:
        """Whether texts that are scored together share their beginning.

        Not where layers round, so that a score does not hang on its company, nor where what the
        frozen layers made of each text is at hand.
        """
        is_rounded = self.role_model.runtime.is_rounded
        return self.role_model.shares_queries and not is_rounded and not self._prefix_cache

    def forward_comparisons(self, batch: PreferenceBatch) -> Float[Tensor, "M B K"]:
        """Return each member's scores of a batch of comparisons, 0 where a response is absent."""
        found = self.head.member_scores(self._comparisons.last_hidden(batch.sequences))
        scores = batch.targets.new_zeros((self.head.members, *batch.present.shape))
        return scores.masked_scatter(batch.present, found.T)

    def _run_frozen(self, sequences: Sequences) -> list[Float[Tensor, "L D"]]:
        """Return the frozen-layer outputs for sequences, from one pass, without padding."""
        frozen_prefix = self.role_model.frozen_prefix
        assert frozen_prefix is not None, "no layer is frozen"
        prefix_states = frozen_prefix.compute(self.role_model.hidden, *self._padded(sequences))
        return [row[: len(ids)].clone() for row, ids in zip(prefix_states, sequences, strict=True)]

    def _padded(self, sequences: Sequences) -> tuple[Int[Tensor, "B L"], Bool[Tensor, "B L"]]:
        return pad_right(sequences, self.pad_id, self.role_model.runtime.device)

    def normalize(self, reference_sequences: Sequences, *, std: float = 1.0) -> tuple[float, float]:
        """Rescale to mean 0 and the given spread on reference samples; return gain and shift.

        The gain is that of the score for all members, so that their disagreement keeps its
        meaning; each has a mean of 0, of which comparisons say nothing (only differences of scores
        are trained).
        """
        try:
            scores, members = self.score_with_members(reference_sequences)
            gain, shift = gain_and_shift(to_host(scores), std=std)
        except ValueError as error:
            raise DivergedError(
                f"the reward model cannot be normalized on {len(reference_sequences)} reference "
                f"samples: {error}. Lower rewards.lr, see that the samples differ (those that were "
                "labeled are written by `prefloop export`), and run the same command again: the "
                "model starts from the base; labels are kept."
            ) from error
        is_one = self.head.members == 1
        own = [shift] if is_one else centering_shifts(members, gain)
        self.head.rescale(gain, own)
        return gain, shift


def _batches(groups: Sequence[list[int]], sequences: Sequences) -> Iterator[list[list[int]]]:
    """Yield groups of places in batches of rows of similar length, with little padding."""
    batch: list[list[int]] = []
    for group in sorted(groups, key=lambda group: row_length([sequences[i] for i in group])):
        if batch and sum(map(len, batch)) + len(group) > SCORING_BATCH:
            yield batch
            batch = []
        batch.append(group)
    if batch:
        yield batch
