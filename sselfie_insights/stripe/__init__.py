"""Stripe's own exports: refunds, disputes, failed refunds and fees, which no application writes."""
