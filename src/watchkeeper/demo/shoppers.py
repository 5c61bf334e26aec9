"""A small, bounded crowd of shoppers on loopback: a fixed number of people, each doing one thing at a time.

Run as `python -m watchkeeper.demo.shoppers`. A third of them belong to each customer group. A shopper whose request fails
gives up the visit and comes back after a pause, so that a broken shop is never flooded.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator

import aiohttp

GROUPS = ("regular", "member", "guest")
SHOPPERS = 6
PAUSE_S = 1.2
CATEGORIES = ("home", "kitchen", "outdoor")


async def visit(session: aiohttp.ClientSession, shop: str, number: int, chance: random.Random) -> AsyncIterator[None]:
    """Look around, fill a cart and order it; yields after each request."""
    async with session.get(f"{shop}/products", params={"category": chance.choice(CATEGORIES)}) as answer:
        answer.raise_for_status()
        product = chance.choice(await answer.json())["id"]
    yield
    async with session.get(f"{shop}/products/{product}") as answer:
        answer.raise_for_status()
    yield
    basket = {"email": f"shopper{number}@customers.example", "items": {product: chance.randint(1, 3)}}
    async with session.post(f"{shop}/carts", json=basket) as answer:
        answer.raise_for_status()
        cart = (await answer.json())["id"]
    yield
    async with session.post(f"{shop}/orders", json={"cart_id": cart}) as answer:
        answer.raise_for_status()
    yield


async def shop_forever(shop: str, number: int) -> None:
    """Visit the shop again and again, pausing between requests."""
    chance = random.Random(number)  # noqa: S311 - shoppers, not secrets
    headers = {"X-Customer-Group": GROUPS[number % len(GROUPS)]}
    timeout = aiohttp.ClientTimeout(total=3)
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as session:
        while True:
            try:
                async for _ in visit(session, shop, number, chance):
                    await asyncio.sleep(PAUSE_S * chance.uniform(0.7, 1.3))
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(PAUSE_S)


async def crowd(shop: str, shoppers: int = SHOPPERS) -> None:
    """Keep `shoppers` people in the shop."""
    await asyncio.gather(*(shop_forever(shop, number) for number in range(shoppers)))


if __name__ == "__main__":
    try:
        asyncio.run(crowd(os.environ["SHOP_URL"]))
    except KeyboardInterrupt:
        pass
