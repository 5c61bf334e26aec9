"""A noun that is built fast is the same noun; a kept property is worked out once."""

from __future__ import annotations

import gc
from dataclasses import dataclass, field, replace

from watchkeeper.base.nouns import built_fast, kept, none_collected


@built_fast
@dataclass(frozen=True)
class Thing:
    name: str
    size: int = 3
    parts: list[str] = field(default_factory=list, compare=False)

    @kept
    def label(self) -> str:
        """Name and size."""
        self.parts.append("asked")
        return f"{self.name} {self.size}"


def test_it_is_built_compared_and_changed_as_before() -> None:
    thing = Thing("shop")
    assert thing == Thing(name="shop", size=3)
    assert hash(thing) == hash(Thing("shop"))
    assert replace(thing, size=4) == Thing("shop", 4)
    assert thing.parts == []
    assert thing.parts is not Thing("shop").parts


def test_a_kept_property_is_worked_out_once() -> None:
    thing = Thing("shop")
    assert (thing.label, thing.label, thing.parts) == ("shop 3", "shop 3", ["asked"])


def test_what_is_made_without_a_collection_counts_as_old_afterwards() -> None:
    gc.collect()
    with none_collected():
        made = [[number] for number in range(5000)]
        assert not gc.isenabled()
    assert gc.isenabled()
    old = {id(each) for each in gc.get_objects(generation=2)}
    assert all(id(each) in old for each in made)


def test_what_a_program_froze_stays_frozen() -> None:
    gc.collect()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        with none_collected():
            Thing("made")
        assert gc.get_freeze_count() == frozen > 0
    finally:
        gc.unfreeze()
