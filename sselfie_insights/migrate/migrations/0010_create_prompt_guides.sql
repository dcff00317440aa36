-- One row per collection of prompts.
create table public.prompt_guides (
    id serial primary key,
    title text,
    description text,
    category text,
    status text default 'draft',
    created_by text references public.users (id),
    created_at timestamptz,
    updated_at timestamptz,
    published_at timestamptz,
    total_prompts integer default 0,
    total_approved integer default 0
);

-- One row per prompt of a guide.
create table public.prompt_guide_items (
    id serial primary key,
    guide_id integer references public.prompt_guides (id),
    prompt_text text,
    concept_title text,
    concept_description text,
    category text,
    image_url text,
    replicate_prediction_id text,
    status text default 'pending',
    sort_order integer default 0,
    generation_settings jsonb,
    created_at timestamptz,
    approved_at timestamptz,
    approved_by text references public.users (id)
);

-- One row per public page that shows a guide and collects e-mail addresses.
create table public.prompt_pages (
    id serial primary key,
    guide_id integer references public.prompt_guides (id),
    slug text unique,
    title text,
    welcome_message text,
    email_capture_type text default 'modal',
    email_list_tag text,
    upsell_link text,
    upsell_text text,
    status text default 'draft',
    view_count integer default 0,
    email_capture_count integer default 0,
    created_at timestamptz,
    updated_at timestamptz,
    published_at timestamptz
);
