"""What the generated lives sell, how often it renews, and what happens around an invoice."""

from datetime import UTC, datetime

from tests.support.billing.cases import MEMBERSHIP

OPENED = datetime(2025, 2, 1, tzinfo=UTC)


AS_OF = datetime(2026, 10, 15, 12, tzinfo=UTC)


MONTHLY = {
    MEMBERSHIP: 9700,
    "pro": 9900,
    "starter": 4900,
    "elite": 19900,
    "brand_studio_membership": 14900,
    "team_membership": 12300,  # on no list
}


ONCE = {"one_time_session": 4900, "credit_topup": 4500, "paid_blueprint": 4700, "workshop": 8000}


RHYTHMS = {  # how often, and the share of a monthly price that is charged
    "1 month": (60, 1.0),
    "12 months": (10, 10.0),
    "3 months": (5, 2.9),
    "28 days": (4, 0.9),
    "30 days": (2, 1.0),
    "7 days": (4, 0.3),
    "14 days": (3, 0.5),
    "2 months": (2, 1.9),
    "6 months": (2, 5.5),
    "24 months": (1, 18.0),
}


EVENTS = {  # what happens around an invoice, and how often
    "nothing": 60,
    "late": 6,
    "too late": 3,
    "early": 2,
    "retried": 5,
    "failed": 3,
    "free": 5,
    "coupon": 3,
    "above": 2,
    "price rise": 3,
    "seats": 2,
    "pause": 4,
    "prorated": 7,
    "free inside": 3,
    "restarted": 4,
    "new product": 4,
    "new rhythm": 4,
    "new currency": 2,
    "charged twice": 3,
    "moved": 2,
    "repeated": 2,
}
