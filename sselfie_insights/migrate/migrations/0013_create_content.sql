-- One row per caption template.
create table public.instagram_captions (
    id serial primary key,
    title text,
    caption_text text,
    hashtags text[],
    category text,
    created_at timestamptz
);

-- One row per content calendar.
create table public.content_calendars (
    id serial primary key,
    title text,
    description text,
    duration text,
    start_date date,
    end_date date,
    platform text,
    calendar_data jsonb,
    content_pillars text[],
    total_posts integer,
    created_by text references public.users (id),
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per prompt in Maya's library.
create table public.maya_prompt_suggestions (
    id serial primary key,
    prompt_text text,
    prompt_title text,
    category text,
    season text,
    style text,
    mood text,
    tags text[],
    use_case text,
    created_by text references public.users (id),
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per text saved from the writing assistant.
create table public.writing_assistant_outputs (
    id serial primary key,
    content_pillar text,
    output_type text,
    content text,
    context jsonb,
    calendar_scheduled boolean default false,
    scheduled_date timestamptz,
    created_by text references public.users (id),
    created_at timestamptz
);
