-- One row per subscription.
create table public.subscriptions (
    id serial primary key,
    user_id text references public.users (id),
    stripe_subscription_id text unique,
    stripe_customer_id text,
    plan_name text,
    status text,
    current_period_start timestamptz,
    current_period_end timestamptz,
    cancel_at_period_end boolean default false,
    product_type text,
    is_test_mode boolean default false,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per payment object received from Stripe.
create table public.stripe_payments (
    id serial primary key,
    stripe_payment_id text unique,
    stripe_invoice_id text,
    stripe_subscription_id text,
    stripe_customer_id text,
    user_id text references public.users (id),
    amount_cents integer,
    currency text default 'usd',
    status text,
    payment_type text,
    product_type text,
    description text,
    metadata jsonb,
    payment_date timestamptz,
    is_test_mode boolean default false,
    created_at timestamptz,
    updated_at timestamptz
);
