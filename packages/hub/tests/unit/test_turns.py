"""So many at a time, in the order they came."""

import asyncio

import pytest

from hub_config.offer.turns import Turns, TurnTimeoutError


def test_never_more_than_the_limit_and_in_order() -> None:
    async def main() -> None:
        turns, running, most, order = Turns(2), 0, 0, []

        async def one(number: int) -> None:
            nonlocal running, most
            async with turns.turn(lambda _: None):
                running += 1
                most = max(most, running)
                order.append(number)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(one(number) for number in range(9)))
        assert most == 2
        assert order == list(range(9))

    asyncio.run(main())


async def test_one_hears_the_own_place_as_it_changes() -> None:
    turns, places = Turns(1), []
    release = [asyncio.Event(), asyncio.Event()]

    async def hold(event: asyncio.Event) -> None:
        async with turns.turn(lambda _: None):
            await event.wait()

    holding = [asyncio.create_task(hold(event)) for event in release]
    await asyncio.sleep(0)

    async def last() -> None:
        async with turns.turn(places.append):
            pass

    waiting = asyncio.create_task(last())
    await asyncio.sleep(0)
    for event in release:
        event.set()
    await asyncio.gather(*holding, waiting)
    assert places == [1, 0]


async def test_who_gives_up_or_fails_takes_no_turn_with_them() -> None:
    turns = Turns(1)
    hold = asyncio.Event()

    async def one(event: asyncio.Event) -> None:
        async with turns.turn(lambda _: None):
            await event.wait()

    first = asyncio.create_task(one(hold))
    await asyncio.sleep(0)
    with pytest.raises(TurnTimeoutError):
        async with turns.turn(lambda _: None, seconds=0.01):
            pass
    # Called up and cancelled at the same moment: the turn goes to the next one.
    unlucky = asyncio.create_task(one(asyncio.Event()))
    done = asyncio.Event()
    done.set()
    lucky = asyncio.create_task(one(done))
    await asyncio.sleep(0)
    hold.set()
    await first
    unlucky.cancel()
    await asyncio.wait_for(lucky, 60)
    with pytest.raises(RuntimeError):
        async with turns.turn(lambda _: None):
            raise RuntimeError
    await asyncio.wait_for(one(done), 60)
