"""What the shop's services log for each kind of request, when nothing is wrong.

A request is a list of steps. Some steps are optional, some repeat, some take one of several orders: a reader of the
logs calls all of that normal, and a model has to learn it.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from deploy.demo.values import Values

__all__ = ["REQUESTS", "Step"]


class Step(NamedTuple):
    """One line of a request, before it has a time.

    Attributes:
        name: What happens, for those who change a request; it is not in the line.
        service: Who logs it.
        level: ``DEBUG``, ``INFO``, ``WARN`` or ``ERROR``.
        message: The text after the trace id.
        delay_ms: Milliseconds after the step before it.
    """

    name: str
    service: str
    level: str
    message: str
    delay_ms: int


def browse(values: Values) -> Iterator[Step]:
    """Somebody looks at a page of products."""
    path = f"/products/{values.product()}?page={values.number(1, 30)}"
    yield Step("request", "gateway", "INFO", f'GET {path} from {values.address()} agent="{values.agent()}"', 0)
    for _ in range(values.number(1, 3)):
        yield _stock_lookup(values)
    yield _response(values, 200)


def log_in(values: Values) -> Iterator[Step]:
    """Somebody signs in; a few mistype their password once."""
    user = values.email()
    yield Step("request", "gateway", "INFO", f"POST /login from {values.address()}", 0)
    if values.chance(0.1):
        yield Step("rejected", "gateway", "WARN", f"password rejected for {user}, attempt 1", values.number(20, 90))
        yield Step("request", "gateway", "INFO", f"POST /login from {values.address()}", values.number(300, 900))
    token = values.hexadecimal(32)
    yield Step("opened", "gateway", "INFO", f"session opened for {user} token={token}", values.number(10, 60))
    yield _response(values, 200)


def add_to_cart(values: Values) -> Iterator[Step]:
    """Somebody puts a product into the cart."""
    cart, sku = values.uuid(), values.sku()
    yield Step("request", "gateway", "INFO", f"POST /carts/{cart}/items from {values.address()}", 0)
    yield Step("loaded", "cart", "DEBUG", f"cart {cart} loaded, items={values.number(0, 9)}", values.number(3, 20))
    yield _stock_lookup(values)
    if values.chance(0.15):
        yield Step("low", "inventory", "WARN", f"only {values.number(1, 3)} left of {sku}", values.number(1, 9))
    reserved = f"reserved {values.number(1, 4)} of {sku} for {values.number(10, 30)}min"
    yield Step("reserved", "inventory", "INFO", reserved, values.number(3, 30))
    added = f"{sku} added to cart {cart}, total={values.price()} EUR"
    yield Step("added", "cart", "INFO", added, values.number(3, 30))
    yield _response(values, 201)


def check_out(values: Values) -> Iterator[Step]:
    """Somebody pays for the cart; a few are declined."""
    cart, order, amount = values.uuid(), values.order(), values.price()
    yield Step("request", "gateway", "INFO", f"POST /checkout from {values.address()}", 0)
    yield Step("locked", "cart", "INFO", f"cart {cart} locked for order {order}", values.number(5, 30))
    yield Step("confirmed", "inventory", "INFO", f"stock confirmed for order {order}", values.number(5, 40))
    charge = f'charge requested order={order} amount={amount} currency=EUR card="**** {values.number(1000, 9999)}"'
    yield Step("charge", "payment", "INFO", charge, values.number(10, 60))
    if values.chance(0.15):
        yield payment_retry(values, attempt=2)
    if values.chance(0.08):
        declined = f"charge declined order={order} code={values.pick((5, 51, 54))}"
        yield Step("declined", "payment", "WARN", declined, values.number(80, 300))
        yield Step("unlocked", "cart", "INFO", f"cart {cart} unlocked", values.number(5, 30))
        yield _response(values, 402)
        return
    accepted = f"charge accepted order={order} amount={amount} reference=0x{values.hexadecimal(8)}"
    yield Step("accepted", "payment", "INFO", accepted, values.number(80, 300))
    yield from _fulfil(values, order)
    yield _response(values, 200)


def refund(values: Values) -> Iterator[Step]:
    """Somebody sends an order back."""
    order, amount = values.order(), values.price()
    yield Step("request", "gateway", "INFO", f"POST /orders/{order}/refund from {values.address()}", 0)
    yield Step("asked", "payment", "INFO", f"refund requested order={order} amount={amount}", values.number(5, 40))
    accepted = f"refund accepted order={order} reference=0x{values.hexadecimal(8)}"
    yield Step("refunded", "payment", "INFO", accepted, values.number(80, 300))
    for _ in range(values.number(1, 2)):
        returned = f"returned {values.number(1, 4)} of {values.sku()} to stock"
        yield Step("returned", "inventory", "INFO", returned, values.number(5, 40))
    yield from _mail(values, f"Your refund for order {order}")
    yield _response(values, 200)


def track(values: Values) -> Iterator[Step]:
    """Somebody asks where a parcel is."""
    order = values.order()
    yield Step("request", "gateway", "INFO", f"GET /orders/{order}/track from {values.address()}", 0)
    url = f"https://api.{values.carrier()}.example/v2/parcels/{values.hexadecimal(12)}"
    yield Step("carrier", "shipping", "INFO", f"asked {url} took {values.milliseconds()}", values.number(50, 300))
    yield _response(values, 200)


def restock(values: Values) -> Iterator[Step]:
    """A delivery arrives at the warehouse; no browser is involved."""
    arrived = f'delivery from "{values.supplier()}" pallets={values.number(1, 9)} gate={values.number(1, 4)}'
    yield Step("arrived", "inventory", "INFO", arrived, 0)
    for _ in range(values.number(2, 4)):
        counted = f"counted {values.sku()} quantity={values.number(5, 400)}"
        yield Step("counted", "inventory", "DEBUG", counted, values.number(40, 250))
    saved = f"stock list written to /srv/inventory/{values.number(2024, 2026)}/{values.hexadecimal(6)}.csv"
    yield Step("saved", "inventory", "INFO", saved, values.number(20, 90))


def payment_retry(values: Values, attempt: int) -> Step:
    """The payment provider was slow, and is asked once more."""
    waited_ms = values.number(120, 300)
    text = f"no answer from https://pay.example/v2/charges after {waited_ms}ms, attempt {attempt}"
    return Step("retry", "payment", "WARN", text, waited_ms + values.number(1, 9))


def _fulfil(values: Values, order: int) -> Iterator[Step]:
    # Shipping and mail work side by side, so their lines mix.
    path = f"/var/spool/labels/{values.number(2024, 2026)}/{order}.pdf"
    weight = values.number(2, 300) / 10
    label = Step("label", "shipping", "INFO", f"label printed {path} weight={weight}kg", values.number(20, 200))
    queued, delivered = _mail(values, f"Your order {order}")
    yield from values.pick(((label, queued, delivered), (queued, label, delivered), (queued, delivered, label)))


def _mail(values: Values, subject: str) -> Iterator[Step]:
    host = f"{values.address()}:{values.pick((25, 587))}"
    queued = f'queued "{subject}" to {values.email()} via {host}'
    yield Step("queued", "mail", "INFO", queued, values.number(5, 60))
    delivered = f"delivered message-id=<{values.hexadecimal(10)}@shop.example> in {values.milliseconds()}"
    yield Step("delivered", "mail", "INFO", delivered, values.number(30, 250))


def _stock_lookup(values: Values) -> Step:
    found = f"stock of {values.sku()} in {values.pick(('eu-1', 'eu-2', 'us-1'))} is {values.number(0, 500)}"
    return Step("stock", "inventory", "DEBUG", f"{found}, took {values.milliseconds()}", values.number(3, 40))


def _response(values: Values, status: int) -> Step:
    text = f"response {status} bytes={values.number(90, 60_000)} in {values.milliseconds()}"
    return Step("response", "gateway", "INFO", text, values.number(3, 30))


#: Each kind of request with its share of the traffic, in percent.
REQUESTS: dict[Callable[[Values], Iterator[Step]], int] = {
    browse: 30,
    log_in: 15,
    add_to_cart: 20,
    check_out: 18,
    refund: 5,
    track: 9,
    restock: 3,
}
