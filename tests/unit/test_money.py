import pytest

from sselfie_insights.money import minor_digits, to_major, write_money


# From ISO 4217's list one, of 2026-01-01; ariary as Stripe's documentation of currencies has them.
@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        ("usd", 2),
        ("EUR", 2),
        ("jpy", 0),
        ("KWD", 3),
        ("iqd", 3),
        ("lbp", 2),
        ("clf", 4),
        ("mga", 0),
    ],
)
def test_decimals_are_those_of_the_standard(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize("currency", ["", "credits", "XAU", "usd "])
def test_what_the_standard_gives_no_decimals_has_two(currency: str) -> None:
    assert minor_digits(currency) == 2


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(9800, "usd", "98.00"), (9800, "jpy", "9800"), (12250, "kwd", "12.250"), (-5, "usd", "-0.05")],
)
def test_an_amount_has_its_currency_s_decimals(minor: int, currency: str, text: str) -> None:
    assert str(to_major(minor, currency)) == text


@pytest.mark.parametrize(
    ("minor", "currency", "written"),
    [
        (123450, "usd", "$1,234.50"),
        (-123450, "usd", "-$1,234.50"),
        (0, "EUR", "€0.00"),
        (9800, "jpy", "¥9,800"),
        (1234567, "kwd", "KWD 1,234.567"),
        (500, "chf", "CHF 5.00"),
        (500, "cad", "CA$5.00"),
        (500, "zzz", "ZZZ 5.00"),
        (500, "<b>", "<B> 5.00"),
        (500, "", "5.00"),
        (500, None, "5.00"),
    ],
)
def test_money_is_written_with_the_sign_of_its_currency_alone(
    minor: int, currency: str | None, written: str
) -> None:
    assert write_money(minor, currency) == written
