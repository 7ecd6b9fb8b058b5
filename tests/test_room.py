import asyncio

import pytest

from transforms.fetch.room import Permit, Room, Share


def started(share: Share) -> Permit:
    permit = share.permit()
    asyncio.run(permit.acquire())
    return permit


def test_bytes_are_counted_until_their_consumer_has_them() -> None:
    room = Room(100)
    permit = started(room.open(2))
    permit.grow(60)
    permit.end()
    assert room.used == 60 and not room.is_full
    permit.release()
    permit.release()
    assert room.used == 0


def test_a_body_that_is_dropped_leaves_its_room() -> None:
    room = Room(100)
    permit = started(room.open(2))
    permit.grow(60)
    permit.drop()
    permit.release()
    assert room.used == 0


def test_while_there_is_no_room_only_one_body_of_a_hungry_batch_grows() -> None:
    room = Room(100)
    fed, hungry = room.open(9), room.open(9)
    first, second = started(fed), started(fed)
    one, other = started(hungry), started(hungry)
    first.grow(100)
    first.end()
    assert not second.may_grow(), "its consumer has something to take"
    assert one.may_grow()
    assert not other.may_grow(), "the batch goes on with one already"
    assert one.may_grow()
    one.end()
    assert not other.may_grow(), "there is something to take now"
    one.release()
    assert other.may_grow()


def test_a_paused_transfer_goes_on_when_there_is_room() -> None:
    room = Room(100)
    share = room.open(9)
    first, second = started(share), started(share)
    first.grow(100)
    first.end()
    resumed: list[int] = []
    assert not second.may_grow()
    second.pause(lambda: resumed.append(1))
    assert not resumed
    first.release()
    assert resumed == [1]
    first.release()
    assert resumed == [1]


def test_a_batch_that_is_closed_leaves_its_room_and_counts_no_more() -> None:
    room = Room(100)
    share, other = room.open(9), room.open(9)
    permit, late = started(share), started(share)
    permit.grow(100)
    permit.end()
    waiting = started(other)
    waiting.end()
    resumed: list[int] = []
    waiting.pause(lambda: resumed.append(1))
    room.close(share)
    assert room.used == 0 and resumed == [1]
    late.grow(50)
    permit.release()
    late.release()
    assert room.used == 0


@pytest.mark.parametrize("places", [1, 3])
def test_requests_wait_for_places_and_bytes(places: int) -> None:
    async def run() -> None:
        room = Room(100)
        share = room.open(places)
        permits = [share.permit() for _ in range(places + 2)]
        tasks = [asyncio.create_task(permit.acquire()) for permit in permits]
        await asyncio.sleep(0)
        assert [permit.is_held for permit in permits] == [True] * places + [False] * 2
        permits[0].grow(100)
        permits[0].end()
        tasks[places].cancel()
        await asyncio.sleep(0)
        permits[0].release()
        await asyncio.sleep(0)
        assert [permit.is_held for permit in permits[places:]] == [False, True]
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_a_request_that_is_cancelled_as_it_gets_its_place_gives_it_back() -> None:
    async def run() -> None:
        share = Room(100).open(1)
        first, second, third = share.permit(), share.permit(), share.permit()
        await first.acquire()
        tasks = [asyncio.create_task(permit.acquire()) for permit in (second, third)]
        await asyncio.sleep(0)
        first.release()
        assert second.is_held
        tasks[0].cancel()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not second.is_held and third.is_held
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(run())


def test_a_transfer_that_pauses_when_room_has_just_become_free_goes_on_at_once() -> None:
    room = Room(100)
    share = room.open(9)
    first, second = started(share), started(share)
    first.grow(100)
    first.end()
    assert not second.may_grow()
    first.release()
    resumed: list[int] = []
    second.pause(lambda: resumed.append(1))
    assert resumed, "nothing else will ever wake it"
