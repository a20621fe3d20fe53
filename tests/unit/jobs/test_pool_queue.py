"""The order in which jobs get workers: among tenants, and among a tenant's own."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Iterable

from hypothesis import given, strategies as st

from longwire_server.jobs.fair_share import Charge
from longwire_server.jobs.pool_queue import PoolQueue
from longwire_server.jobs.tenant_queue import Place

SECOND_US = 1_000_000
WEIGHTS = {"alice": 1.0, "bob": 2.0, "carol": 3.5}


def queue_of(*places: Place[str], seconds: float = 1.0) -> PoolQueue[str]:
    queue: PoolQueue[str] = PoolQueue(lambda tenant: WEIGHTS.get(tenant, 1.0), lambda _: seconds)
    for place in places:
        queue.add(place)
    return queue


def job(
    name: str,
    tenant: str = "alice",
    *,
    backend: str = "aer",
    came: float = 0.0,
    priority: int = 0,
    batch: str = "",
    is_again: bool = False,
) -> Place[str]:
    return Place(
        name,
        tenant,
        backend,
        backend,
        round(came * SECOND_US),
        priority,
        batch=batch,
        is_again=is_again,
    )


def names(places: Iterable[Place[str]]) -> list[str]:
    return [place.item for place in places]


def begun(queue: PoolQueue[str], seconds: float = 1.0) -> list[str]:
    """What one worker begins, one after another, when everything takes as long."""
    order, now = [], 0.0
    while (place := queue.first()) is not None:
        charge = queue.share.begin(place.tenant, seconds, now)
        queue.remove(place)
        order.append(place.item)
        now += seconds
        queue.share.end(charge, now)
    return order


def test_jobs_of_one_tenant_begin_in_the_order_in_which_they_came() -> None:
    queue = queue_of(*(job(str(number), came=number) for number in range(5)))

    assert begun(queue) == ["0", "1", "2", "3", "4"]


def test_a_step_of_priority_is_worth_ten_minutes_of_waiting() -> None:
    queue = queue_of(
        job("first", came=0),
        job("one step, in time", came=599, priority=1),
        job("one step, too late", came=601, priority=1),
        job("patient", came=-100, priority=-1),
    )

    assert begun(queue) == ["one step, in time", "first", "one step, too late", "patient"]


def test_what_is_begun_again_comes_before_all_others_of_its_tenant() -> None:
    queue = queue_of(job("urgent", priority=10), job("again", came=99, priority=-10, is_again=True))

    assert begun(queue) == ["again", "urgent"]


def test_changed_priority_moves_a_job_while_it_waits() -> None:
    last = job("last", came=3)
    queue = queue_of(job("first", came=1), job("second", came=2), last)
    queue.change_priority(last, 1)

    assert begun(queue) == ["last", "first", "second"]


def test_jobs_of_a_batch_begin_in_the_order_of_submission_whatever_their_priority() -> None:
    queue = queue_of(
        job("b1", came=1, priority=-1, batch="scan"),
        job("b2", came=2, priority=5, batch="scan"),
        job("other", came=3),
        job("b3", came=4, batch="scan"),
    )

    # b2 would be before all, if b1 had begun.
    assert names(queue.walk()) == ["other", "b1", "b2", "b3"]
    assert begun(queue) == ["other", "b1", "b2", "b3"]


def test_batch_whose_first_job_leaves_stands_where_its_second_would() -> None:
    first = job("b1", came=1, priority=-1, batch="scan")
    queue = queue_of(
        first,
        job("b2", came=2, priority=5, batch="scan"),
        job("other", came=3),
        job("b3", came=4, batch="scan"),
    )
    queue.remove(first)

    assert begun(queue) == ["b2", "other", "b3"]


def test_moved_job_comes_before_the_jobs_of_all_tenants_and_the_last_moved_first() -> None:
    mine, yours = job("mine", came=8), job("yours", "bob", came=9)
    queue = queue_of(*(job(str(number), came=number) for number in range(3)), mine, yours)
    queue.move_to_front(mine, 1)
    queue.move_to_front(yours, 2)

    assert [queue.position(each) for each in (yours, mine)] == [1, 2]
    assert begun(queue) == ["yours", "mine", "0", "1", "2"]


def test_blocked_line_holds_up_no_other() -> None:
    paused = job("paused", backend="device")
    queue = queue_of(paused, job("other", came=1), job("bobs", "bob", came=2))
    queue.set_blocked("device", is_blocked=True)

    assert queue.position(paused) is None
    assert names(queue.walk()) == ["other", "bobs"]
    assert begun(queue) == ["other", "bobs"]
    queue.set_blocked("device", is_blocked=False)
    assert begun(queue) == ["paused"]


def test_tenants_with_equal_shares_take_turns() -> None:
    queue = queue_of(
        *(job(f"a{number}", "alice") for number in range(3)),
        *(job(f"d{number}", "dave") for number in range(3)),
    )

    assert begun(queue) == ["a0", "d0", "a1", "d1", "a2", "d2"]


def test_tenant_that_comes_later_has_no_claim_to_what_others_have_had() -> None:
    queue = queue_of(*(job(f"a{number}", "alice") for number in range(20)))
    now = 0.0
    for _ in range(10):
        place = queue.first()
        assert place is not None
        charge = queue.share.begin(place.tenant, 1.0, now)
        queue.remove(place)
        now += 1.0
        queue.share.end(charge, now)
    for number in range(10):
        queue.add(job(f"d{number}", "dave"))

    order = begun(queue)
    assert Counter(name[0] for name in order[:8]) == {"a": 4, "d": 4}


def test_job_that_takes_longer_than_estimated_is_charged_while_it_runs() -> None:
    queue = queue_of(
        *(job(f"a{number}", "alice") for number in range(3)),
        *(job(f"d{number}", "dave") for number in range(3)),
    )
    place = queue.first()
    assert place is not None
    assert place.tenant == "alice"
    queue.share.begin("alice", 1.0, now=0.0)
    queue.remove(place)
    order = []
    for _ in range(3):
        queue.share.catch_up(100.0)
        place = queue.first()
        assert place is not None
        queue.share.begin(place.tenant, 1.0, now=100.0)
        queue.remove(place)
        order.append(place.item)

    assert order == ["d0", "d1", "d2"]


def test_single_position_agrees_with_the_walk() -> None:
    places = [
        job(f"{tenant}{number}", tenant, came=number, priority=number % 3)
        for tenant in ("alice", "bob", "carol")
        for number in range(20)
    ]
    queue = queue_of(*places)

    walked = {place.item: number for number, place in enumerate(queue.walk(), 1)}
    assert {place.item: queue.position(place) for place in places} == walked


def test_position_in_a_long_queue_of_several_tenants_is_near_the_walk() -> None:
    places = [
        job(f"{tenant}{number}", tenant, came=number)
        for tenant in ("alice", "bob", "carol")
        for number in range(200)
    ]
    queue = queue_of(*places)

    for number, place in enumerate(queue.walk(), 1):
        position = queue.position(place)
        assert position is not None
        assert abs(position - number) <= len(WEIGHTS)


def test_walk_leaves_out_what_has_left_the_queue_meanwhile() -> None:
    places = [job(str(number), came=number) for number in range(4)]
    queue = queue_of(*places)
    walk = queue.walk()
    first = next(walk)
    queue.remove(places[1])

    assert [first.item, *names(walk)] == ["0", "2", "3"]


# What happens: a tenant submits a job of a priority that takes so long; or a worker is done.
TENANTS = st.sampled_from(sorted(WEIGHTS))
SUBMISSIONS = st.tuples(
    TENANTS,
    st.integers(-10, 10),
    st.floats(0.001, 50.0),
    st.sampled_from(["", "scan"]),
    st.sampled_from(["aer", "device"]),
)
HAPPENINGS = st.lists(st.one_of(SUBMISSIONS, st.none()), max_size=60)


@given(HAPPENINGS, st.integers(1, 3))
def test_every_job_begins_whatever_comes_and_goes(
    happenings: list[tuple[str, int, float, str, str] | None], num_workers: int
) -> None:
    queue = queue_of()
    now, number = 0.0, 0
    order: list[str] = []
    running: list[tuple[float, int, Charge]] = []
    takes: dict[str, float] = {}

    def step() -> None:
        nonlocal now
        while len(running) < num_workers and (place := queue.first()) is not None:
            queue.share.catch_up(now)
            place = queue.first()
            assert place is not None
            charge = queue.share.begin(place.tenant, 1.0, now)
            queue.remove(place)
            order.append(place.item)
            heapq.heappush(running, (now + takes[place.item], len(order), charge))
        if running:
            now, _, charge = heapq.heappop(running)
            queue.share.end(charge, now)

    for happening in happenings:
        if happening is None:
            step()
            continue
        tenant, priority, seconds, batch, backend = happening
        number += 1
        name = f"{tenant}{backend}{batch}{number:06}"
        takes[name] = seconds
        queue.add(job(name, tenant, backend=backend, came=now, priority=priority, batch=batch))
    while running or len(queue):
        step()

    assert sorted(order) == sorted(takes)
    for tenant in WEIGHTS:
        for backend in ("aer", "device"):
            in_batch = [name for name in order if name.startswith(f"{tenant}{backend}scan")]
            assert in_batch == sorted(in_batch)


@given(
    st.lists(st.floats(0.5, 3.0), min_size=3, max_size=3),
    st.integers(1, 4),
    st.integers(0, 1_000_000),
)
def test_shares_converge_to_the_weights_whatever_jobs_take(
    mean_seconds: list[float], num_workers: int, seed: int
) -> None:
    """Each tenant's jobs take differently long, and all have jobs waiting all the time."""
    queue, draw = queue_of(), random.Random(seed)
    mean = dict(zip(sorted(WEIGHTS), mean_seconds, strict=True))
    had: dict[str, float] = dict.fromkeys(WEIGHTS, 0.0)
    now, number = 0.0, 0
    running: list[tuple[float, int, Charge, str, float]] = []
    for tenant in WEIGHTS:
        queue.add(job("", tenant))
    while sum(had.values()) < 1500:
        while len(running) < num_workers:
            queue.share.catch_up(now)
            place = queue.first()
            assert place is not None
            charge = queue.share.begin(place.tenant, 1.0, now)
            number += 1
            # Another one follows at once.
            queue.add(job("", place.tenant, came=number))
            queue.remove(place)
            seconds = mean[place.tenant] * draw.uniform(0.5, 1.5)
            heapq.heappush(running, (now + seconds, number, charge, place.tenant, seconds))
        now, _, charge, tenant, seconds = heapq.heappop(running)
        queue.share.end(charge, now)
        had[tenant] += seconds

    total = sum(had.values())
    for tenant, weight in WEIGHTS.items():
        share = weight / sum(WEIGHTS.values())
        assert abs(had[tenant] / total - share) < 0.02


@given(st.integers(1, 50), st.floats(0.1, 10.0))
def test_tenant_that_was_idle_waits_for_no_more_than_one_round(idle_jobs: int, took: float) -> None:
    """Whatever it had before, the next of its jobs is at most the second that begins."""
    queue = queue_of(job("d", "dave"), *(job(f"a{n}", "alice") for n in range(idle_jobs + 5)))
    now = 0.0
    for _ in range(idle_jobs + 1):
        place = queue.first()
        assert place is not None
        charge = queue.share.begin(place.tenant, 1.0, now)
        queue.remove(place)
        now += took
        queue.share.end(charge, now)
    queue.add(job("d again", "dave"))

    assert "d again" in begun(queue, took)[:2]
