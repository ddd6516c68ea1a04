"""Other names of tags, and tags that imply others, without a database."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gallery.tag_rules import TagRules, chain, closure

ANIMALS = {"kitten": {"cat"}, "cat": {"feline", "pet"}, "feline": {"animal"}, "pet": {"animal"}}
RULES = TagRules({"puss": "cat"}, ANIMALS)


def test_an_alias_counts_for_its_tag() -> None:
    assert RULES.meaning("puss") == "cat"
    assert RULES.meaning("dog") == "dog"
    assert TagRules({"puss": "cat"}).carried({"puss", "cat"}) == {"cat"}


def test_what_is_implied_is_carried_over_any_number_of_steps() -> None:
    assert RULES.carried({"kitten"}) == {"kitten", "cat", "feline", "pet", "animal"}
    assert RULES.carried({"puss"}) == {"cat", "feline", "pet", "animal"}
    assert RULES.carried(set()) == set()


def test_what_is_taken_off_is_not_carried_but_what_it_implies_stays() -> None:
    assert RULES.carried({"kitten"}, {"cat"}) == {"kitten", "feline", "pet", "animal"}
    assert RULES.carried({"kitten"}, {"puss"}) == {"kitten", "feline", "pet", "animal"}
    assert RULES.carried({"dog"}, {"cat"}) == {"dog"}


def test_a_way_is_the_shortest() -> None:
    assert chain("kitten", "animal", ANIMALS) == ["kitten", "cat", "feline", "animal"]
    assert chain("animal", "kitten", ANIMALS) == []
    assert chain("cat", "cat", ANIMALS) == []
    assert chain("cat", "cat", {**ANIMALS, "animal": {"cat"}}) == ["cat", "feline", "animal", "cat"]


names = st.sampled_from("abcdefg")
graphs = st.dictionaries(names, st.frozensets(names))


@given(graphs, st.frozensets(names))
def test_a_closure_is_closed_and_no_larger_than_it_must_be(
    implied: dict[str, frozenset[str]], tags: frozenset[str]
) -> None:
    found = closure(tags, implied)
    assert found >= tags
    assert all(implied.get(name, frozenset()) <= found for name in found)
    for name in found - tags:
        assert any(chain(start, name, implied) for start in tags)


@given(graphs, names, names)
def test_a_way_is_made_of_steps(implied: dict[str, frozenset[str]], start: str, goal: str) -> None:
    way = chain(start, goal, implied)
    if not way:
        assert goal not in closure(implied.get(start, ()), implied)
        return
    assert (way[0], way[-1]) == (start, goal)
    assert all(after in implied[before] for before, after in pairwise(way))
