"""What pages call products, features and other things that the data holds as ids."""

import re
from collections.abc import Mapping
from datetime import date

from sselfie_insights.clock import write_month
from sselfie_insights.printable import clean

_PRODUCT_COLUMNS = frozenset(
    {"product", "product_type", "first_product", "from_product", "to_product", "part"}
)
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_OTHERS = frozenset({"email_type", "chat_type", "movement", "kind", "step", "acquisition"})

# The products of the packaged price list; ``membership`` is any of them that recurs.
_PRODUCTS = {
    "starter": "Starter",
    "pro": "Pro",
    "elite": "Elite",
    "membership": "Any membership",
    "sselfie_studio_membership": "SSELFIE Studio membership",
    "brand_studio_membership": "Brand Studio membership",
    "one_time_session": "One-time session",
    "credit_topup": "Credit top-up",
    "paid_blueprint": "Paid blueprint",
}
_FEATURES = {
    "training": "Model training",
    "image": "Images",
    "photoshoot": "Photoshoots",
    "video": "Videos",
    "chat": "Chat with Maya",
    "feed": "Feed planner",
    "academy": "Academy",
    "brand": "Brand",
    "feedback": "Feedback",
    "other": "Other",
}


def write_name(column: str, value: str, own: Mapping[str, str]) -> str:
    """Return what people call ``value`` of a column; other columns' values stay as they are.

    Args:
        column: The column that holds it.
        value: The id, as text.
        own: The names in the owner's price list, by product.
    """
    if column == "currency":
        return value.upper()
    words = value.replace("_", " ")
    if column == "part" and (month := _MONTH.fullmatch(value)):
        return write_month(date(int(month[1]), int(month[2]), 1))
    if column in _PRODUCT_COLUMNS:
        return clean(own.get(value) or _PRODUCTS.get(value) or words)
    if column == "feature":
        return _FEATURES.get(value, words)
    return words if column in _OTHERS else value
