-- One row per Pro photoshoot.
create table public.pro_photoshoot_sessions (
    id serial primary key,
    user_id text references public.users (id),
    original_image_id integer references public.ai_images (id),
    total_grids integer default 8,
    session_status text default 'active',
    created_at timestamptz,
    updated_at timestamptz,
    completed_at timestamptz
);

-- One row per 3×3 grid generated in a photoshoot.
create table public.pro_photoshoot_grids (
    id serial primary key,
    session_id integer references public.pro_photoshoot_sessions (id),
    grid_number integer,
    prediction_id text,
    grid_url text,
    generation_status text default 'pending',
    prompt text,
    created_at timestamptz,
    updated_at timestamptz,
    completed_at timestamptz
);

-- One row per frame cut from a grid, nine to a grid.
create table public.pro_photoshoot_frames (
    id serial primary key,
    grid_id integer references public.pro_photoshoot_grids (id),
    frame_number integer,
    frame_url text,
    gallery_image_id integer references public.ai_images (id),
    created_at timestamptz
);
