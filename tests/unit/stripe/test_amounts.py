import pytest

from sselfie_insights.stripe.amounts import Amount, AmountError, find_separator, to_minor


def amounts(currency: str, *texts: str) -> list[Amount]:
    return [Amount(text, currency, line, "gross") for line, text in enumerate(texts, start=2)]


@pytest.mark.parametrize(
    ("currency", "texts", "minor"),
    [
        ("usd", ["97.00", "-1,234.56"], [9700, -123456]),
        ("usd", ["97,00", "-1.234,56"], [9700, -123456]),
        ("usd", ["5", "-12"], [500, -1200]),
        ("usd", ["1.000", "10,00"], [100000, 1000]),
        ("usd", ["0.5"], [50]),
        ("jpy", ["5000", "-500.00"], [5000, -500]),
        ("jpy", ["1,234"], [1234]),
        ("kwd", ["12,250", "1.204,500"], [12250, 1204500]),
        ("usd", [], []),
    ],
)
def test_one_separator_makes_sense_of_a_file(
    currency: str, texts: list[str], minor: list[int]
) -> None:
    every = amounts(currency, *texts)
    separator = find_separator(every)
    assert [to_minor(each, separator) for each in every] == minor


@pytest.mark.parametrize(
    ("currency", "texts"),
    [("kwd", ["12,250"]), ("usd", ["1,000"]), ("usd", ["1.000", "2.000"])],
)
def test_a_file_that_two_separators_fit_is_refused(currency: str, texts: list[str]) -> None:
    with pytest.raises(AmountError, match="decimal point and with a decimal comma") as refused:
        find_separator(amounts(currency, *texts))
    assert refused.value.amount is None


@pytest.mark.parametrize(
    ("currency", "texts", "line", "reason"),
    [
        ("usd", ["97.00", "1.005"], 3, "more decimals than USD"),
        ("jpy", ["5000", "500.50"], 3, "more decimals than JPY"),
        ("usd", ["97.00", "97,00"], 3, "no amount|more decimals"),
        ("usd", ["97.00", "$5.00"], 3, "no amount"),
        ("usd", ["97.00", "1.2E+3"], 3, "no amount"),
        ("usd", ["97.00", "(5.00)"], 3, "no amount"),
        ("usd", ["12,34.00"], 2, "no amount"),
        ("usd", ["97.00", "9" * 16], 3, "no amount|decimals"),
    ],
)
def test_an_amount_that_makes_no_sense_is_named(
    currency: str, texts: list[str], line: int, reason: str
) -> None:
    with pytest.raises(AmountError, match=reason) as refused:
        find_separator(amounts(currency, *texts))
    assert refused.value.amount is not None
    assert refused.value.amount.line == line
