-- One row per Stripe invoice whose stored rows tell of different amounts or currencies, so that one of them is wrong.
select
    stripe_invoice_id,
    min(amount_cents) as least_cents,
    max(amount_cents) as most_cents,
    count(distinct currency) as currency_count
from {{ ref('int_payments') }}
where stripe_invoice_id is not null and coalesce(dropped_reason, 'duplicate') in ('duplicate', 'zero')
group by stripe_invoice_id
having min(amount_cents) <> max(amount_cents) or count(distinct currency) > 1
