-- One row per payment row without an invoice id that is another record of a payment: the payment it belongs to.
{%- set rounds = 3 %}
with received as (

    select
        payment_row_id,
        payment_key,
        stripe_invoice_id,
        case
            when stripe_payment_id like 'pi!_%' escape '!' then 'pi'
            when stripe_payment_id like 'ch!_%' escape '!' then 'ch'
            when stripe_payment_id like 'in!_%' escape '!' then 'in'
        end as id_kind,
        customer_key,
        currency,
        amount_cents,
        product_type,
        paid_at
    from {{ ref('int_payment_rows') }}
    where role = 'received' and not is_test and paid_at is not null

),

payments as (

    select
        payment_key,
        min(payment_row_id) as payment_row_id,
        count(*) = 1 and max(stripe_invoice_id) is null and max(id_kind) is not null as is_single,
        count(*) = count(id_kind) and min(currency) = max(currency) as is_comparable,
        max(amount_cents) as amount_cents,
        min(product_type) as least_product_type,
        max(product_type) as most_product_type,
        max(case when id_kind = 'pi' then 1 else 0 end) as has_pi,
        max(case when id_kind = 'ch' then 1 else 0 end) as has_ch,
        max(case when id_kind = 'in' then 1 else 0 end) as has_in
    from received
    group by payment_key

),

singles as (

    select received.*
    from received
    inner join payments on received.payment_key = payments.payment_key
    where payments.is_single

),

-- Every payment that a single row could be a record of, with the seconds between them.
candidates as {{ kept() }} (

    select
        singles.payment_key,
        singles.id_kind,
        payments.payment_key as other_key,
        payments.is_single as is_other_single,
        min(abs({{ seconds_between('singles.paid_at', 'received.paid_at') }})) as distance
    from singles
    inner join received
        on
            singles.customer_key = received.customer_key
            and singles.currency = received.currency
            and singles.payment_key <> received.payment_key
            and received.paid_at between singles.paid_at - interval '10 minutes' and singles.paid_at + interval '10 minutes'
    inner join payments
        on
            received.payment_key = payments.payment_key
            and singles.amount_cents = payments.amount_cents
            and payments.is_comparable
    where
        case singles.id_kind when 'pi' then payments.has_pi when 'ch' then payments.has_ch else payments.has_in end = 0
        and (
            singles.product_type is null
            or payments.least_product_type is null
            or (payments.least_product_type = singles.product_type and payments.most_product_type = singles.product_type)
        )
    group by singles.payment_key, singles.id_kind, payments.payment_key, payments.is_single

),

-- Those that are nearest to each other belong together; then, of those left, again.
{%- for round in range(rounds) %}
{%- set left = 'candidates' if loop.first else 'left_after_' ~ round %}
ranked_{{ round + 1 }} as {{ kept() }} (

    select
        {{ left }}.*,
        row_number() over (
            partition by payment_key order by is_other_single nulls last, distance nulls last, other_key nulls last
        ) as choice,
        row_number() over (
            partition by other_key, id_kind order by distance nulls last, payment_key nulls last
        ) as choice_of_other
    from {{ left }}

),

joined_{{ round + 1 }} as {{ kept() }} (

    select
        ranked.payment_key,
        ranked.id_kind,
        ranked.other_key,
        ranked.is_other_single
    from ranked_{{ round + 1 }} as ranked
    left join ranked_{{ round + 1 }} as returned
        on ranked.payment_key = returned.other_key and ranked.other_key = returned.payment_key and returned.choice = 1
    where
        ranked.choice = 1
        and ranked.choice_of_other = 1
        and (not ranked.is_other_single or returned.payment_key is not null)

),
{% if not loop.last %}
left_after_{{ round + 1 }} as {{ kept() }} (

    select candidates.*
    from {{ left }} as candidates
    left join joined_{{ round + 1 }} as taken
        on candidates.payment_key = taken.payment_key or candidates.other_key = taken.payment_key
    left join joined_{{ round + 1 }} as filled
        on candidates.other_key = filled.other_key and candidates.id_kind = filled.id_kind
    where taken.payment_key is null and filled.payment_key is null

),
{% endif %}
{%- endfor %}
joined as (
    {% for round in range(rounds) %}
    select * from joined_{{ round + 1 }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}

),

final as (

    select
        payments.payment_row_id,
        joined.other_key as payment_key
    from joined
    inner join payments on joined.payment_key = payments.payment_key
    -- Of two single rows the one with the greater key joins the other.
    where not joined.is_other_single or joined.other_key < joined.payment_key

)

select * from final
