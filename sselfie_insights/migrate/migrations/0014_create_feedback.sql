-- One row per piece of feedback a user sent.
create table public.feedback (
    id serial primary key,
    user_id text references public.users (id),
    feedback_type text,
    message text,
    rating integer,
    image_urls text[],
    share_type text,
    created_at timestamptz
);

-- One row per testimonial collected.
create table public.testimonials (
    id serial primary key,
    customer_name text,
    testimonial_text text,
    rating integer,
    is_featured boolean default false,
    is_published boolean default true,
    screenshot_url text,
    image_url_2 text,
    image_url_3 text,
    image_url_4 text,
    collected_at timestamptz,
    created_at timestamptz,
    updated_at timestamptz
);
