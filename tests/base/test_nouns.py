"""A noun that is built fast is the same noun; a kept property is worked out once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from watchkeeper.base.nouns import built_fast, kept


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
