"""What will probably happen: marts in, the tables of schema ``forecast`` out."""

from sselfie_insights.forecast.step import write_forecasts

__all__ = ["write_forecasts"]
