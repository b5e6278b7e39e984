"""A source, indexed: where each stem stands, what stands near it, and which sentence fits best."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from prefloop.scorers.claims.roles import roles
from prefloop.scorers.claims.tokens import Sentence, Token, parse
from prefloop.scorers.claims.voice import active_clauses


class ClaimSource:
    """The sentences of a source and where its stems stand."""

    def __init__(self, text: str, sentences: Sequence[Sentence]) -> None:
        self.text = text
        self.sentences = sentences
        self.content = [content_of(sentence) for sentence in sentences]
        self.roles = frozenset(role for sentence in sentences for role in roles(sentence))
        self.stems = [frozenset(t.stem for t in part) for part in self.content]
        self.places: dict[str, list[int]] = defaultdict(list)
        """The sentences in which each stem stands."""
        for number, held in enumerate(self.stems):
            for stem in held:
                self.places[stem].append(number)

    def __contains__(self, stem: str) -> bool:
        return stem in self.places

    def near(self, stem: str, reach: int, held: frozenset[str]) -> Iterator[frozenset[str]]:
        """Yield what stands at most `reach` words from each occurrence of a stem, in its sentence.

        Words that are not in `held` are passed over.
        """
        for number in self.places[stem]:
            part = [token.stem for token in self.content[number] if token.stem in held]
            for index, found in enumerate(part):
                if found == stem:
                    yield frozenset(part[max(0, index - reach) : index + reach + 1])

    def ranked(self, stems: Iterable[str]) -> list[int]:
        """Return the sentences by how many of these stems they hold, the best first."""
        wanted = frozenset(stems)
        shared = [len(wanted & held) for held in self.stems]
        return sorted(range(len(shared)), key=lambda number: (-shared[number], number))


def read_source(text: str) -> ClaimSource:
    """Return a source, indexed."""
    return ClaimSource(text, parse(text))


def content_of(sentence: Sentence) -> list[Token]:
    """Return the tokens that say something, each clause in active order."""
    return [token for clause in active_clauses(sentence) for token in clause if token.is_content]
