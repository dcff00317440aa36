-- One row per file a user keeps for the brand.
create table public.brand_assets (
    id serial primary key,
    user_id text references public.users (id),
    file_name text,
    file_url text,
    file_type text,
    file_size integer,
    description text,
    created_at timestamptz
);

-- One row per style guide of a user.
create table public.user_styleguides (
    id serial primary key,
    user_id text references public.users (id),
    name text,
    description text,
    style_rules jsonb default '{}',
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per Instagram account that a user connected.
create table public.instagram_connections (
    id serial primary key,
    user_id text references public.users (id),
    instagram_account_id text,
    access_token text,
    connected_at timestamptz
);

-- One row per generation being followed.
create table public.generation_trackers (
    id serial primary key,
    user_id text references public.users (id),
    prediction_id text,
    status text,
    created_at timestamptz
);

-- One row per week of the founder's journal.
create table public.weekly_journal (
    id serial primary key,
    week_start_date date,
    content text,
    status text,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per day noted in the journal.
create table public.daily_captures (
    id serial primary key,
    journal_id integer references public.weekly_journal (id),
    date date,
    content text,
    created_at timestamptz
);
