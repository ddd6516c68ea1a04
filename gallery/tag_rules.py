"""What tags mean besides themselves: other names of one tag, and tags that imply others. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

Implied = Mapping[str, Set[str]]


@dataclass(frozen=True)
class TagRules:
    """aliases: another name → the tag, in one step; implied: tag → tags, in any number of steps."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    implied: Implied = field(default_factory=dict)

    def meaning(self, name: str) -> str:
        """The tag that a name stands for."""
        return self.aliases.get(name, name)

    def meant(self, names: Iterable[str]) -> set[str]:
        return {self.meaning(name) for name in names}

    def carried(self, said: Iterable[str], rejected: Iterable[str] = ()) -> set[str]:
        """The tags of an image of which these names are said, with all that they imply.

        rejected: what an admin took off it. What such a tag implies stays, as it does where one
        takes off a tag that was written down.
        """
        return closure(self.meant(said), self.implied) - self.meant(rejected)


def closure(tags: Iterable[str], implied: Implied) -> set[str]:
    """The tags and whatever they imply, over any number of steps."""
    found = set(tags)
    waiting = list(found)
    while waiting:
        for name in implied.get(waiting.pop(), ()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    return found


def chain(start: str, goal: str, implied: Implied) -> list[str]:
    """The shortest way from one tag to another that it implies, both included; [] if there is none.

    At least one step long: a tag leads to itself only over another.
    """
    before: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for name in sorted(implied.get(here, ())):
            if name == goal:
                return [*_back(start, here, before), goal]
            if name not in before:
                before[name] = here
                waiting.append(name)
    return []


def _back(start: str, here: str, before: Mapping[str, str]) -> list[str]:
    way = [here]
    while way[-1] != start:
        way.append(before[way[-1]])
    return way[::-1]
