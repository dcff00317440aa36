"""Products, features and currencies have the names that people use."""

import pytest

from sselfie_insights.report.names import write_name

OWN = {"pro": "Professional", "vip_day": "VIP day\x1b[31m"}


@pytest.mark.parametrize(
    ("column", "value", "name"),
    [
        ("product_type", "sselfie_studio_membership", "SSELFIE Studio membership"),
        ("from_product", "credit_topup", "Credit top-up"),
        ("to_product", "membership", "Any membership"),
        ("product", "pro", "Professional"),  # the owner's own comes first
        ("product", "vip_day", "VIP day[31m"),
        ("product", "team_membership", "team membership"),  # on no list: its id in words
        ("part", "5 small groups together", "5 small groups together"),
        ("part", "2026-10", "Oct 2026"),
        ("feature", "chat", "Chat with Maya"),
        ("feature", "new_thing", "new thing"),
        ("chat_type", "pro", "pro"),  # no product
        ("email_type", "nurture_day_3", "nurture day 3"),
        ("currency", "usd", "USD"),
        ("table_name", "stripe_payments", "stripe_payments"),
    ],
)
def test_an_id_becomes_what_people_call_it(column: str, value: str, name: str) -> None:
    assert write_name(column, value, OWN) == name
