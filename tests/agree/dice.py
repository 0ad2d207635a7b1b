# SPDX-License-Identifier: BSD-3-Clause
"""Dice that fall the same way on every machine."""

from wire.prng import Prng


class Dice(Prng):
    def often(self, percent):
        return self.below(100) < percent

    def pick(self, things):
        return things[self.below(len(things))]

    def weighed(self, table):
        """table: (weight, thing)."""
        at = self.below(sum(weight for weight, _ in table))
        for weight, thing in table:
            at -= weight
            if at < 0:
                return thing
        raise AssertionError("weights that do not add up")

    def some(self, things, least=0):
        """At least so many of them, in their order."""
        things = list(things)
        keep = self.between(min(least, len(things)), len(things))
        while len(things) > keep:
            things.pop(self.below(len(things)))
        return things
