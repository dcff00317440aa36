"""Ann, who is to be forgotten, and Bea, whose rows stay: a source, and what was made of it."""

ANN = "7c1d2f0a-1111-4222-8333-abcdefabcdef"
BEA = "0b7e5d9c-4444-4555-8666-fedcbafedcba"
EMAIL = "Ann.Other@Example.org"
CUSTOMER = "cus_annannann1"

# A part of the documented tables, so that every file is small.
SCHEMA = """
create table users (id text primary key, email text unique, display_name text,
    stripe_customer_id text, role text);
create table subscriptions (id serial primary key, user_id text references users,
    stripe_subscription_id text, stripe_customer_id text);
create table stripe_payments (id serial primary key, stripe_payment_id text, user_id text,
    stripe_customer_id text, amount_cents int, currency text, status text, metadata jsonb);
create table maya_chats (id serial primary key, user_id text references users, title text);
create table maya_chat_messages (id serial primary key, chat_id int references maya_chats,
    role text, content text);
create table freebie_subscribers (id serial primary key, email text, name text);
create table admin_email_errors (id serial primary key, email_type text, recipient_email text,
    error_message text);
create table prompt_guides (id serial primary key, title text, created_by text references users);
create table feedback (id serial primary key, user_id text, message text, image_urls text[]);
create table waitlist (id serial primary key, email text);
"""

# The source: Ann, Bea, and what belongs to, hangs on or mentions Ann. Rows of Bea are told by
# what they hold, so that a test can see that they stay.
SOURCE = f"""
insert into users (id, email, display_name, stripe_customer_id, role) values
    ('{ANN}', '{EMAIL}', 'Ann', '{CUSTOMER}', 'user'),
    ('{BEA}', 'joann.other@example.org', 'Bea', 'cus_bea', 'admin');
insert into subscriptions (user_id, stripe_subscription_id, stripe_customer_id) values
    ('{ANN}', 'sub_ann', '{CUSTOMER}'), ('{BEA}', 'sub_bea', 'cus_bea');
insert into stripe_payments
    (stripe_payment_id, user_id, stripe_customer_id, amount_cents, currency, status, metadata)
values
    ('pi_ann_1', '{ANN}', '{CUSTOMER}', 4900, 'usd', 'paid', null),
    ('pi_ann_2', null, '{CUSTOMER}', 4900, 'usd', 'paid', null),
    ('pi_ann_3', null, null, 4700, 'usd', 'paid', '{{"customer_email": "{EMAIL.upper()}"}}'),
    ('pi_bea_1', '{BEA}', 'cus_bea', 4900, 'usd', 'paid',
        '{{"gift_for": "<{EMAIL.lower()}>, {EMAIL}", "note": "kept"}}'),
    ('pi_bea_2', null, null, 4700, 'usd', 'paid',
        '{{"customer_email": "joann.other@example.org"}}');
insert into maya_chats (id, user_id, title) values (1, '{ANN}', 'mine'), (2, '{BEA}', 'hers');
insert into maya_chat_messages (chat_id, role, content) values
    (1, 'user', 'I am Ann'), (1, 'assistant', 'hello'), (2, 'user', 'hers'),
    (2, 'user', 'write to {EMAIL}, please');
insert into freebie_subscribers (email, name) values
    (' {EMAIL.upper()} ', 'Ann'), ('joann.other@example.org', 'Bea');
insert into admin_email_errors (email_type, recipient_email, error_message) values
    ('welcome', '{EMAIL.lower()}', 'bounced'), ('welcome', 'joann.other@example.org', 'bounced');
insert into prompt_guides (title, created_by) values ('a guide of all', '{ANN}');
insert into feedback (user_id, message, image_urls) values
    ('{BEA}', 'kept', array['https://x.test/{ANN}/1.png', 'https://x.test/{BEA}/1.png']);
"""

# What the marts and the history hold of both, besides a number that is nobody's.
DERIVED = f"""
create schema snapshots;
create schema intermediate;
create table snapshots.users_history as
    select unnest(['{ANN}', '{BEA}']) as user_id, 'user' as role;
create table intermediate.int_payments as
    select unnest(['pi_ann_2', 'pi_bea_1']) as payment_key, 4900 as amount_cents;
insert into marts.dim_customers by name
    select unnest(['{ANN}', '{BEA}', 'stripe:{CUSTOMER}']) as customer_key;
insert into marts.payments by name
    select unnest(['{ANN}', '{BEA}', 'payment:pi_ann_3']) as customer_key, 4900 as gross_cents;
insert into marts.revenue_by_month by name select date '2026-11-01' as month, 14700 as gross_cents;
"""
