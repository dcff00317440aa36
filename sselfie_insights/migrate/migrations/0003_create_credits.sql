-- One row per user: the credit balance.
create table public.user_credits (
    id serial primary key,
    user_id text unique references public.users (id),
    balance integer default 0,
    total_purchased integer default 0,
    total_used integer default 0,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per movement of credits.
create table public.credit_transactions (
    id serial primary key,
    user_id text references public.users (id),
    amount integer,
    transaction_type text,
    description text,
    reference_id text,
    stripe_payment_id text,
    payment_amount integer,
    product_type text,
    balance_after integer,
    created_at timestamptz
);
