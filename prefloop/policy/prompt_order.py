"""Which prompts an update sees: all of them in turn, none twice in an update while others wait."""

from collections.abc import Sequence

from prefloop.seeding import numpy_stream


class PromptOrder:
    """Goes through the prompts in passes, each in an order of its own.

    Where one pass ends and the next begins within an update, the next one begins with prompts that
    the update does not hold yet. So n prompts fill an update of up to n places without a repeat,
    and a larger one with as few as possible. Each pass depends on the one before: passes are made
    in turn from the first, and only the newest is kept.
    """

    def __init__(self, per_update: int) -> None:
        self.per_update = per_update
        self._key: tuple[int, int] | None = None
        self._number = 0
        self._pass: list[int] = []
        self._begun_with: frozenset[int] = frozenset()

    def of_update(self, update: int, n_prompts: int, seed: int) -> list[int]:
        """Return the places of the update's prompts among `n_prompts`."""
        chosen: list[int] = []
        while (missing := self.per_update - len(chosen)) > 0:
            number, start = divmod(update * self.per_update + len(chosen), n_prompts)
            self._go_to(number, n_prompts, seed)
            chosen += self._pass[start : start + missing]
        return chosen

    def _go_to(self, number: int, n_prompts: int, seed: int) -> None:
        if self._key != (n_prompts, seed) or number < self._number:
            self._key, self._number = (n_prompts, seed), 0
            self._pass = _shuffled(0, n_prompts, seed)
        while self._number < number:
            self._number += 1
            self._pass = self._next_pass(_shuffled(self._number, n_prompts, seed))

    def _next_pass(self, shuffled: Sequence[int]) -> list[int]:
        """Return a pass that begins with what the update around its beginning does not hold."""
        n_prompts = len(shuffled)
        whole, part = divmod(self._number * n_prompts % self.per_update, n_prompts)
        if whole == 0:
            self._begun_with = frozenset(self._pass[n_prompts - part :])
        room = self.per_update - whole * n_prompts - part
        new = [place for place in shuffled if place not in self._begun_with]
        first = [*new, *(place for place in shuffled if place in self._begun_with)][:room]
        taken = set(first)
        return [*first, *(place for place in shuffled if place not in taken)]


def _shuffled(number: int, n_prompts: int, seed: int) -> list[int]:
    order = numpy_stream(seed, "prompt order", number).permutation(n_prompts)
    return [int(place) for place in order]
