-- One row per planned Instagram grid of nine posts.
create table public.feed_layouts (
    id serial primary key,
    user_id text references public.users (id),
    name text,
    description text,
    status text default 'draft',
    grid_order jsonb,
    profile_data jsonb,
    brand_vibe text,
    business_type text,
    color_palette text,
    visual_rhythm text,
    feed_story text,
    research_insights text,
    hashtags text[],
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per cell of a feed layout.
create table public.feed_posts (
    id serial primary key,
    feed_layout_id integer references public.feed_layouts (id),
    user_id text references public.users (id),
    position integer,
    image_id integer references public.generated_images (id),
    title text,
    description text,
    prompt text,
    category text,
    caption text,
    hashtags text[],
    text_overlay jsonb,
    generation_status text,
    prediction_id text,
    is_pro_mode boolean default false,
    created_at timestamptz
);

-- One row per written strategy for a feed.
create table public.feed_strategy (
    id serial primary key,
    user_id text references public.users (id),
    feed_layout_id integer references public.feed_layouts (id),
    brand_positioning text,
    content_pillars jsonb,
    posting_schedule jsonb,
    growth_tactics jsonb,
    competitive_advantages jsonb,
    hook_formulas jsonb,
    caption_templates jsonb,
    hashtag_strategy jsonb,
    content_format_mix jsonb,
    strategy_version integer default 1,
    is_active boolean default true,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per Instagram biography written for a feed.
create table public.instagram_bios (
    id serial primary key,
    feed_layout_id integer references public.feed_layouts (id),
    user_id text references public.users (id),
    bio_text text,
    emoji_style text,
    link_text text,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per story-highlight cover planned for a feed.
create table public.instagram_highlights (
    id serial primary key,
    feed_layout_id integer references public.feed_layouts (id),
    user_id text references public.users (id),
    title text,
    image_url text,
    icon_style text,
    prompt text,
    generation_status text default 'pending',
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per planned carousel post.
create table public.carousel_posts (
    id serial primary key,
    user_id text references public.users (id),
    title text,
    caption text,
    hashtags text[],
    image_ids integer[],
    text_overlays jsonb,
    created_at timestamptz
);
