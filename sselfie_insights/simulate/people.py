"""One person's history, drawn from a random stream of their own.

The stream depends on the seed and the person's number only, so a history is the same in whatever
order, and beside whomever, it is drawn.
"""

import math
from random import Random

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.events import History, Purchase, Refund, Shape, Standing
from sselfie_insights.simulate.instants import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    add_months,
    on_date,
    to_datetime,
)
from sselfie_insights.simulate.membership import Membership
from sselfie_insights.simulate.usage import use_product

_FIRST_NAMES = (
    "Ada Alma Anja Astrid Aurora Bea Camille Cara Dina Ebba Elin Ella Emma Eva Freya Gia Greta "
    "Hanna Hedda Ida Inga Iris Isla Jana Josie Julia Kaja Kim Lea Lena Lina Liv Luna Maja Maren "
    "Maya Mia Mila Mona Nadia Nell Nora Olga Pia Rosa Ruth Sanna Sara Selma Signe Siri Sofia "
    "Stella Tara Thea Tilda Tuva Una Vera Vilde Ylva Zoe"
)
_LAST_NAMES = (
    "Aas Bakke Berg Bloom Brandt Carter Dahl Eide Falk Frost Gray Haugen Hill Holm Iversen "
    "Jensen Kaur Klein Lang Larsen Lie Lopez Lund Moen Moss Nash Nilsen Olsen Patel Quinn Reed "
    "Rossi Ruud Sand Silva Solberg Stone Strand Vale Vik Wang West Wolf Young Zander"
)
_MAIL = ("gmail.com", "icloud.com", "outlook.com", "hotmail.com", "studio-mail.com", "yahoo.no")
_HOUSE = ("sselfie.test", "team.sselfie.internal", "agency.example")

# Signups by calendar month: quiet summers, busy Januaries.
_SEASON = (1.3, 1.1, 1.05, 1.0, 1.0, 0.85, 0.75, 0.85, 1.05, 1.1, 1.15, 0.9)


class Population:
    """Everyone who signed up in the ``months`` before ``now``, by number.

    Args:
        seed: Names the business.
        now: The last instant (microseconds).
        months: How long the business has existed.
        shape: The database it is recorded in.
    """

    def __init__(self, seed: int, now: int, months: int, shape: Shape) -> None:
        self.seed, self.now, self.shape = seed, now, shape
        self.opened_at = add_months(now, -months)
        self._waves = self._plan_waves()

    def _plan_waves(self) -> list[tuple[int, int, str]]:
        """Return the jobs that gave everyone credits: instant, credits, description."""
        rng = Random(f"{self.seed}:waves")  # noqa: S311
        count = max(2, (self.now - self.opened_at) // (150 * DAY))
        step = (self.now - self.opened_at) // (count + 1)
        waves = [
            (
                self.opened_at + step * (n + 1) + rng.randrange(20) * DAY,
                rng.choice((5, 10, 25)),
                rng.choice(("Thank-you bonus", "Beta appreciation credits", "Holiday gift")),
            )
            for n in range(count)
        ]
        return [wave for wave in waves if wave[0] <= self.now]

    def history(self, number: int) -> History:
        """Return what person ``number`` did."""
        rng = Random(f"{self.seed}:{number}")  # noqa: S311 (a simulation, not a secret)
        person = self._introduce(rng, number)
        self._shop(rng, person)
        use_product(rng, person, self.now, self.shape, self._waves)
        return person

    def guest(self, number: int) -> History | None:
        """Return someone who bought without a traceable account, for some of the numbers."""
        rng = Random(f"{self.seed}:guest:{number}")  # noqa: S311
        if rng.random() >= 0.012:
            return None
        at = self._signup(rng)
        guest = History(
            number=number,
            user_id=None,
            email=f"guest{number}@gmail.com",
            name="Guest",
            standing=Standing.CUSTOMER,
            role="guest",
            signed_up_at=at,
            stripe_customer=_customer_id(rng) if rng.random() < 0.6 else None,
            onboarded=False,
            currency="usd",
        )
        guest.purchases.append(self._buy(rng, guest, catalog.BLUEPRINT, at))
        if guest.stripe_customer and rng.random() < 0.3:
            again = at + int(rng.random() * 60 * DAY)
            if again <= self.now:
                guest.purchases.append(self._buy(rng, guest, catalog.SESSION, again))
        return guest

    def _signup(self, rng: Random) -> int:
        """Draw an instant, likelier the later: the business grows, with the seasons."""
        span = self.now - self.opened_at
        while True:
            share = math.log1p(rng.random() * (math.e**1.5 - 1)) / 1.5
            at = self.opened_at + int(share * span) // SECOND * SECOND
            if rng.random() * max(_SEASON) < _SEASON[to_datetime(at).month - 1]:
                return at

    def _introduce(self, rng: Random, number: int) -> History:
        first, last = rng.choice(_FIRST_NAMES.split()), rng.choice(_LAST_NAMES.split())
        standing, role, domain = Standing.CUSTOMER, "user", rng.choice(_MAIL)
        if number == 0 or number % 400 == 399:
            standing, role = Standing.INTERNAL, "admin"
        elif number % 80 == 7:
            standing, domain = Standing.INTERNAL, _HOUSE[number // 80 % len(_HOUSE)]
        elif number % 90 == 11:
            standing = Standing.TEST
        at = self._signup(rng)
        person = History(
            number=number,
            user_id=_uuid(rng),
            email=f"{first}.{last}{number}@{domain}".lower(),
            name=f"{first} {last}",
            standing=standing,
            role=role,
            signed_up_at=at,
            stripe_customer=_customer_id(rng),
            onboarded=rng.random() < 0.78,
            currency="usd" if rng.random() < 0.9 else rng.choice(("eur", "gbp")),
        )
        for name, share in (("blueprint", 0.16), ("freebie", 0.14), ("waitlist", 0.07)):
            if rng.random() < share:
                person.lists.append((name, at - int(rng.expovariate(1 / 20) * DAY)))
        if standing is Standing.CUSTOMER and number % 60 == 23:
            person.comped = ("active", "trialing", "incomplete", "active")[number // 60 % 4]
        return person

    def _shop(self, rng: Random, person: History) -> None:
        if person.comped:
            return
        now = self.now
        eager = 1.0 if person.standing is Standing.CUSTOMER else 1.6
        at = person.signed_up_at + int(rng.expovariate(1 / 2) * DAY) + MINUTE
        joins = rng.random() < 0.21 * eager
        if rng.random() < 0.17 * eager:
            self._purchase(rng, person, catalog.SESSION, at)
            if not joins and rng.random() < 0.25:
                joins, at = True, at + int((8 + rng.expovariate(1 / 25)) * DAY)
        elif rng.random() < 0.1 * eager:
            if rng.random() < 0.4:
                self._purchase(rng, person, catalog.TOPUP, at)
                at += int((2 + rng.expovariate(1 / 12)) * DAY)
            self._purchase(rng, person, catalog.BLUEPRINT, at)
            if not joins and rng.random() < 0.3:
                joins, at = True, at + int((8 + rng.expovariate(1 / 30)) * DAY)
        if joins or (person.standing is Standing.TEST and not person.purchases):
            self._join(rng, person, at)
        active = [
            (invoice.starts, invoice.ends)
            for subscription in person.subscriptions
            for invoice in subscription.invoices
        ]
        for starts, ends in active:
            if rng.random() < 0.06:
                bought = starts + int(rng.random() * (ends - starts))
                self._purchase(rng, person, catalog.TOPUP, bought)
        if not active and rng.random() < 0.02:
            self._purchase(
                rng, person, catalog.TOPUP, person.signed_up_at + int(rng.random() * 40 * DAY)
            )
        person.purchases = [purchase for purchase in person.purchases if purchase.at <= now]

    def _join(self, rng: Random, person: History, at: int) -> None:
        draw = rng.random()
        if draw < 0.05:
            at = _move_to_month_edge(rng, at)
        elif draw < 0.1:
            at = _move_to_day_31(at)
        at = catalog.next_sale(at // SECOND * SECOND)
        if at > self.now:
            if person.standing is not Standing.TEST:
                return
            at = person.signed_up_at // SECOND * SECOND
        membership = Membership(
            rng, self.now, self.shape, person.stripe_customer or "", person.currency
        )
        person.subscriptions = membership.live(at)
        for subscription in person.subscriptions:
            membership.give_back(subscription)

    def _purchase(self, rng: Random, person: History, product: str, at: int) -> None:
        if at <= self.now:
            person.purchases.append(self._buy(rng, person, product, at))

    def _buy(self, rng: Random, person: History, product: str, at: int) -> Purchase:
        at = at // SECOND * SECOND
        if product == catalog.TOPUP:
            credits_, cents = rng.choice(catalog.packs_at(at))
        else:
            price = catalog.price_at(product, at)
            credits_, cents = price.credits, price.cents
        purchase = Purchase(
            id=f"pi_{rng.getrandbits(96):024x}",
            at=at,
            product=product,
            cents=catalog.convert(cents, person.currency),
            currency=person.currency,
            credits=credits_,
        )
        if self.shape is Shape.DOCUMENTED and rng.random() < 0.03:
            refunded_at = at + int(rng.expovariate(1 / 6) * DAY) + HOUR
            if refunded_at <= self.now:
                purchase.refund = Refund(refunded_at, purchase.cents, row=False)
        return purchase


def _move_to_month_edge(rng: Random, at: int) -> int:
    """Return an instant within nine hours of the end of the month (UTC) after ``at``."""
    following = to_datetime(add_months(at, 1))
    edge = on_date(following.year, following.month, 1)
    return edge + int((rng.random() * 18 - 9) * HOUR)


def _move_to_day_31(at: int) -> int:
    """Return the same time on the next 31st."""
    while to_datetime(at).day != 31:
        at += DAY
    return at


def _customer_id(rng: Random) -> str:
    return f"cus_{rng.getrandbits(56):014x}"


def _uuid(rng: Random) -> str:
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
