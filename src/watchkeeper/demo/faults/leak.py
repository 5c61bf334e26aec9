"""The leaking import script: takes database connections until there are none, then sits on them.

Run as `python -m watchkeeper.demo.faults.leak`. It takes the places that others give back for a while, and does not come
back for those that are taken from it.
"""

from __future__ import annotations

import os
import time

import psycopg

#: how often it must be refused in a row before it is content
REFUSALS = 12


def main() -> None:
    """Leak until the database is full, then idle."""
    address = os.environ["SHOP_DATABASE_URL"].replace("+psycopg", "")
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    refused = 0
    while refused < REFUSALS:
        try:
            taken.append(psycopg.connect(address, application_name="catalogue-import", connect_timeout=2))
            refused = 0
        except psycopg.OperationalError:
            refused += 1
            time.sleep(0.25)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
