-- One row per user account.
create table public.users (
    id text primary key,
    email text unique,
    display_name text,
    profile_image_url text,
    stripe_customer_id text,
    stripe_subscription_id text,
    plan text default 'free',
    role text default 'user',
    monthly_generation_limit integer default 50,
    generations_used_this_month integer default 0,
    gender text,
    profession text,
    brand_style text,
    photo_goals text,
    onboarding_completed boolean default false,
    created_at timestamptz,
    updated_at timestamptz,
    last_login_at timestamptz,
    auth_id text
);

-- One row per extended profile that a user filled in.
create table public.user_profiles (
    id serial primary key,
    user_id text references public.users (id),
    full_name text,
    phone text,
    location text,
    instagram_handle text,
    website_url text,
    bio text,
    brand_vibe text,
    goals text,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per user who described a personal brand.
create table public.user_personal_brand (
    id serial primary key,
    user_id text unique references public.users (id),
    brand_name text,
    brand_values text[],
    target_audience text,
    brand_personality text,
    color_palette jsonb,
    created_at timestamptz,
    updated_at timestamptz
);
