"""Accounts and subscriptions as the database records them: not quite the truth.

The subscriptions table is a snapshot that forgets: a user's later subscription takes over the row
of an earlier one, and what was bought once stays active for ever.
"""

from random import Random
from typing import Final

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.events import Ending, History, Standing, Subscription
from sselfie_insights.simulate.instants import DAY, HOUR, SECOND, add_months, on_date
from sselfie_insights.simulate.sheets import Sheets

# Before this the application wrote British English, and never a login.
AMERICAN_SINCE: Final = on_date(2026, 1, 8)

COLUMNS: Final = {
    "users": (
        "id email display_name profile_image_url stripe_customer_id stripe_subscription_id plan "
        "role generations_used_this_month gender profession brand_style photo_goals "
        "onboarding_completed created_at updated_at last_login_at auth_id"
    ),
    "subscriptions": (
        "id user_id stripe_subscription_id stripe_customer_id plan_name status "
        "current_period_start current_period_end cancel_at_period_end product_type is_test_mode "
        "created_at updated_at"
    ),
}

_STYLES = ("minimal", "editorial", "warm", "bold", "coastal", None)
_PROFESSIONS = ("coach", "photographer", "stylist", "founder", "therapist", "designer", None)


class AccountRows:
    """Writes the rows of accounts and their subscriptions.

    Args:
        sheets: Where rows go.
        now: The instant of the database's state.
    """

    def __init__(self, sheets: Sheets, now: int) -> None:
        self.sheets, self.now = sheets, now

    def write(self, rng: Random, person: History) -> None:
        """Write one person's rows."""
        self._user(rng, person)
        self._subscriptions(rng, person)

    def _user(self, rng: Random, person: History) -> None:
        paid = bool(person.subscriptions or person.purchases)
        last = person.subscriptions[-1] if person.subscriptions else None
        seen_at = None
        if rng.random() < 0.04 and self.now > AMERICAN_SINCE:
            seen_at = max(
                person.signed_up_at, AMERICAN_SINCE, self.now - int(rng.random() * 60 * DAY)
            )
        self.sheets.add_keyed(
            "users",
            person.user_id,
            person.email,
            person.name,
            None,
            person.stripe_customer if paid and knows_customer(person) else None,
            last.id if last and last.ending is None else None,
            last.product if last and last.ending is None else "free",
            person.role,
            rng.randrange(50),
            rng.choice(("woman", "woman", "woman", "man", None)),
            rng.choice(_PROFESSIONS),
            rng.choice(_STYLES),
            rng.choice(("instagram", "website", "launch", None)),
            person.onboarded,
            person.signed_up_at,
            min(self.now, person.signed_up_at + int(rng.random() * 90 * DAY)),
            seen_at,
            person.user_id,
        )

    def _subscriptions(self, rng: Random, person: History) -> None:
        """Write one row per surviving subscription; a later one takes an earlier one's row."""
        is_test: bool | None = person.standing is Standing.TEST
        if not is_test and rng.random() < 0.08:
            is_test = None
        created_at = None
        once = [each for each in person.purchases if each.product != catalog.TOPUP]
        if once:
            first = min(once, key=lambda each: each.at)
            if first.product == catalog.BLUEPRINT or rng.random() < 0.5:
                created_at = first.at + 5 * SECOND
                joined = person.subscriptions and person.subscriptions[0].anchor > first.at
                if not joined or rng.random() < 0.1:
                    self.sheets.add(
                        "subscriptions",
                        person.user_id,
                        None,
                        person.stripe_customer,
                        first.product,
                        "active",
                        None,
                        None,
                        False,
                        first.product,
                        is_test,
                        created_at,
                        created_at,
                    )
                    created_at = None
        for subscription in person.subscriptions:
            created_at = created_at or subscription.invoices[0].paid_at
            if subscription.has_row:
                self._subscription(person, subscription, created_at, is_test)
                created_at = None
        if person.comped:
            self._comped(rng, person)

    def _subscription(
        self, person: History, subscription: Subscription, created_at: int, is_test: bool | None
    ) -> None:
        invoices = subscription.invoices
        full = [each for each in invoices if each.ends - each.starts >= 27 * DAY]
        renewed_at = invoices[-1].paid_at
        status = subscription.status
        if status == "canceled" and subscription.ended_at < AMERICAN_SINCE:
            status = "cancelled"
        deleted = subscription.ending in (Ending.CANCELLED, Ending.REFUNDED, Ending.REPLACED)
        self.sheets.add(
            "subscriptions",
            person.user_id,
            subscription.id,
            subscription.stripe_customer,
            subscription.product,
            status,
            full[-1].starts,
            full[-1].ends,
            subscription.will_cancel,
            subscription.product,
            is_test,
            created_at,
            subscription.ended_at if deleted else renewed_at,
        )

    def _comped(self, rng: Random, person: History) -> None:
        """Write a membership that nobody pays for."""
        stripe_id: str | None = f"sub_{rng.getrandbits(96):024x}"
        if person.comped == "active":
            stripe_id = rng.choice(
                (None, f"manual_backfill_{person.number}", f"test_{person.number}")
            )
        starts = person.signed_up_at + HOUR
        self.sheets.add(
            "subscriptions",
            person.user_id,
            stripe_id,
            None,
            catalog.STUDIO,
            person.comped,
            starts,
            add_months(starts, 1),
            False,
            catalog.STUDIO,
            False,
            starts,
            starts,
        )


def knows_customer(person: History) -> bool:
    """Return whether the account bears the Stripe customer, if the person ever paid."""
    return person.number % 7 != 3
