"""Mistakes that the spread of an ensemble is made with. The package imports none."""


def divided_by_members(members):
    """The population's formula: two members seem surer than they are."""
    return members.std(dim=1, correction=0)


def spread_over_responses(members):
    """The other axis: how responses differ, which says nothing about disagreement."""
    return members.std(dim=0, correction=1)
