"""What can go wrong in the shop: five kinds of faults that a person recognises in the lines of one request."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from deploy.demo.flows import Step, payment_retry
from deploy.demo.shop import Session, Shop
from deploy.demo.values import Values

__all__ = ["FAULTS", "Fault", "make_fault"]


@dataclass(frozen=True, slots=True)
class Fault:
    """A request in which one thing is wrong.

    Attributes:
        kind: One of :data:`FAULTS`.
        session: The request, with the fault in it.
        line: The index of the first line at which the fault can be seen; for a session that ends too early, of its
            last line.
        sentence: What was done, for a person.
    """

    kind: str
    session: Session
    line: int
    sentence: str


def make_fault(kind: str, shop: Shop) -> Fault:
    """A new request of ``shop`` with a fault of the given kind in it.

    Args:
        kind: One of :data:`FAULTS`.
        shop: Where the request and its values come from.
    """
    return FAULTS[kind](shop)


def _missing_step(shop: Shop) -> Fault:
    request, name, sentence = shop.values.pick(
        (
            ("check_out", "accepted", "an order was shipped although its charge was never accepted"),
            ("add_to_cart", "reserved", "a product went into a cart without being reserved in the stock"),
            ("refund", "refunded", "a customer was told of a refund that the payment service never accepted"),
        )
    )
    session = _with_step(shop, request, name)
    where = _index(session, name)
    return Fault("missing step", _without(session, where), where, sentence)


def _out_of_order(shop: Shop) -> Fault:
    request, moved, before, sentence = shop.values.pick(
        (
            ("check_out", "label", "charge", "a parcel's label was printed before its charge was requested"),
            ("refund", "returned", "asked", "goods went back to stock before their refund was requested"),
        )
    )
    session = _with_step(shop, request, moved)
    step, where = session.steps[_index(session, moved)], _index(session, before)
    rest = _without(session, _index(session, moved))
    return Fault("steps out of order", _inserted(rest, where, step), where, sentence)


def _retry_storm(shop: Shop) -> Fault:
    session = _with_step(shop, "check_out", "accepted")
    attempts = shop.values.number(9, 14)
    retries = [payment_retry(shop.values, attempt) for attempt in range(2, attempts + 1)]
    where = _index(session, "charge") + 1
    sentence = f"the payment provider was asked {attempts} times for one charge"
    # One retry is normal; the second cannot be told from it until it is there.
    return Fault("retry storm", _inserted(session, where, *retries), where + 1, sentence)


def _unseen_error(shop: Shop) -> Fault:
    session = _with_step(shop, "check_out", "accepted")
    step = _error_step(shop.values)
    where = _index(session, "accepted") + 1
    sentence = f"the {step.service} service logged an error that it never logged before"
    return Fault("unseen error", _inserted(session, where, step), where, sentence)


def _ended_early(shop: Shop) -> Fault:
    request, last, sentence = shop.values.pick(
        (
            ("check_out", "charge", "a checkout stopped after its charge was requested, with no answer"),
            ("add_to_cart", "loaded", "a request to add a product stopped after its cart was loaded"),
            ("refund", "asked", "a refund was requested and never dealt with"),
        )
    )
    session = _with_step(shop, request, last)
    where = _index(session, last)
    return Fault("ended too early", replace(session, steps=session.steps[: where + 1]), where, sentence)


#: The kinds of faults, with what makes each.
FAULTS: dict[str, Callable[[Shop], Fault]] = {
    "missing step": _missing_step,
    "steps out of order": _out_of_order,
    "retry storm": _retry_storm,
    "unseen error": _unseen_error,
    "ended too early": _ended_early,
}


def _error_step(values: Values) -> Step:
    service, text = values.pick(
        (
            ("payment", f"ledger write failed: no space left on /var/lib/ledger, {values.number(2, 9)} entries lost"),
            ("inventory", f"deadlock detected while locking row {values.number(100, 999)}, giving up"),
            ("shipping", f"certificate of https://api.{values.carrier()}.example expired, connection refused"),
        )
    )
    return Step("error", service, "ERROR", text, values.number(5, 40))


def _with_step(shop: Shop, request: str, name: str) -> Session:
    # Some requests lack a step for a normal reason, such as a declined charge: not in those.
    while True:
        session = shop.session(request)
        names = [step.name for step in session.steps]
        if name in names and "declined" not in names:
            return session


def _index(session: Session, name: str) -> int:
    return next(index for index, step in enumerate(session.steps) if step.name == name)


def _without(session: Session, index: int) -> Session:
    return replace(session, steps=session.steps[:index] + session.steps[index + 1 :])


def _inserted(session: Session, index: int, *steps: Step) -> Session:
    return replace(session, steps=session.steps[:index] + steps + session.steps[index:])
