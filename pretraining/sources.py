"""The texts the tiny model is trained on: where each comes from and what may be done with it.

Prompts are cut only from the sources marked `public_domain`: those texts may be committed.
"""

from dataclasses import dataclass

STANDARD_EBOOKS = "https://github.com/standardebooks/"

BOOKS: tuple[tuple[str, str], ...] = (
    ("l-m-montgomery_anne-of-green-gables", "Anne of Green Gables"),
    ("l-m-montgomery_anne-of-avonlea", "Anne of Avonlea"),
    ("l-m-montgomery_anne-of-the-island", "Anne of the Island"),
    ("frances-hodgson-burnett_the-secret-garden", "The Secret Garden"),
    ("frances-hodgson-burnett_a-little-princess", "A Little Princess"),
    ("frances-hodgson-burnett_little-lord-fauntleroy", "Little Lord Fauntleroy"),
    ("louisa-may-alcott_little-women", "Little Women"),
    ("eleanor-h-porter_pollyanna", "Pollyanna"),
    ("kenneth-grahame_the-wind-in-the-willows", "The Wind in the Willows"),
    ("l-frank-baum_the-wonderful-wizard-of-oz", "The Wonderful Wizard of Oz"),
    ("lewis-carroll_alices-adventures-in-wonderland", "Alice's Adventures in Wonderland"),
    ("j-m-barrie_peter-and-wendy", "Peter and Wendy"),
    ("robert-louis-stevenson_treasure-island", "Treasure Island"),
    ("jack-london_the-call-of-the-wild", "The Call of the Wild"),
    ("mark-twain_the-adventures-of-tom-sawyer", "The Adventures of Tom Sawyer"),
    ("jerome-k-jerome_three-men-in-a-boat", "Three Men in a Boat"),
    ("arthur-conan-doyle_the-adventures-of-sherlock-holmes", "The Adventures of Sherlock Holmes"),
    ("arthur-conan-doyle_the-memoirs-of-sherlock-holmes", "The Memoirs of Sherlock Holmes"),
    ("charlotte-bronte_jane-eyre", "Jane Eyre"),
    ("emily-bronte_wuthering-heights", "Wuthering Heights"),
    ("charles-dickens_great-expectations", "Great Expectations"),
    ("charles-dickens_david-copperfield", "David Copperfield"),
    ("george-eliot_middlemarch", "Middlemarch"),
    ("thomas-hardy_far-from-the-madding-crowd", "Far from the Madding Crowd"),
    ("bram-stoker_dracula", "Dracula"),
    ("h-g-wells_the-war-of-the-worlds", "The War of the Worlds"),
    ("h-g-wells_short-fiction", "H. G. Wells, Short Fiction"),
    ("edith-wharton_the-age-of-innocence", "The Age of Innocence"),
    ("edith-wharton_the-house-of-mirth", "The House of Mirth"),
    ("o-henry_short-fiction", "O. Henry, Short Fiction"),
    ("f-scott-fitzgerald_the-great-gatsby", "The Great Gatsby"),
    ("f-scott-fitzgerald_short-fiction", "F. Scott Fitzgerald, Short Fiction"),
    ("f-scott-fitzgerald_this-side-of-paradise", "This Side of Paradise"),
    ("saki_short-fiction", "Saki, Short Fiction"),
    ("d-h-lawrence_sons-and-lovers", "Sons and Lovers"),
    ("wilkie-collins_the-moonstone", "The Moonstone"),
    ("arthur-conan-doyle_the-return-of-sherlock-holmes", "The Return of Sherlock Holmes"),
    ("l-frank-baum_the-marvelous-land-of-oz", "The Marvelous Land of Oz"),
    ("leo-tolstoy_anna-karenina_constance-garnett", "Anna Karenina"),
    ("anton-chekhov_short-fiction_constance-garnett", "Anton Chekhov, Short Fiction"),
)
"""Standard Ebooks repositories (name, title). Every author died more than seventy years ago."""


@dataclass(frozen=True)
class Source:
    """One corpus and its terms."""

    name: str
    licence: str
    public_domain: bool
    repeats: int = 1
    """How often the text is repeated in one pass over the training data."""


SOURCES: tuple[Source, ...] = (
    Source("standard_ebooks", "public domain texts, CC0 editions", public_domain=True),
    Source("austen", "public domain texts, MIT package", public_domain=True),
    Source("moby_dick", "public domain", public_domain=True),
    Source("brown_fiction", "redistribution permitted", public_domain=False, repeats=2),
    Source("brown_other", "redistribution permitted", public_domain=False),
    Source("food_reviews", "MIT package", public_domain=False),
)
