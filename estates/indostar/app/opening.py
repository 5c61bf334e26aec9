"""Makes the tables and fills the shelves of an empty database: python -m app.opening."""

from __future__ import annotations

import sqlalchemy as sa

from app.core.database import categories, engine, metadata, products

PRODUCTS, CATEGORIES = 300_000, 300
KINDS = ("Honey", "Ghee", "Jaggery", "Turmeric", "Millet", "Coconut oil", "Tea", "Lentils")


def main() -> None:
    """Do it once."""
    with engine.begin() as connection:
        connection.execute(sa.text("select pg_advisory_xact_lock(17)"))
        metadata.create_all(connection)
        if connection.execute(sa.select(sa.func.count()).select_from(categories)).scalar_one():
            return
        names = [{"id": n, "name": f"{KINDS[n % len(KINDS)]} {n}"} for n in range(1, CATEGORIES + 1)]
        connection.execute(categories.insert(), names)
        numbers = sa.func.generate_series(1, PRODUCTS).table_valued("value").render_derived()
        made = sa.select(
            1 + numbers.c.value % CATEGORIES,
            sa.func.concat("Product ", numbers.c.value),
            9_900 + 100 * (numbers.c.value % 90),
        )
        connection.execute(products.insert().from_select(["category_id", "name", "paise"], made))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("analyze"))


if __name__ == "__main__":
    main()
