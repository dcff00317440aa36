-- One row per classic-mode generation.
create table public.generated_images (
    id serial primary key,
    user_id text references public.users (id),
    model_id integer references public.training_runs (id),
    category text,
    subcategory text,
    prompt text,
    image_urls text[],
    selected_url text,
    saved boolean default false,
    created_at timestamptz
);

-- One row per image in a user's gallery.
create table public.ai_images (
    id serial primary key,
    user_id text references public.users (id),
    image_url text,
    prompt text,
    description text,
    category text,
    style text,
    is_selected boolean default false,
    is_favorite boolean default false,
    prediction_id text,
    generation_status text,
    created_at timestamptz
);

-- One row per video animated from an image.
create table public.generated_videos (
    id serial primary key,
    user_id text references public.users (id),
    image_id integer references public.ai_images (id),
    video_url text,
    status text,
    created_at timestamptz
);

-- One row per image a user marked, downloaded or shared.
create table public.photo_selections (
    id serial primary key,
    user_id text references public.users (id),
    image_id integer references public.generated_images (id),
    selection_type text,
    created_at timestamptz
);
