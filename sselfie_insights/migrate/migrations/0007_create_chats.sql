-- One row per conversation with Maya.
create table public.maya_chats (
    id serial primary key,
    user_id text references public.users (id),
    title text,
    chat_type text,
    feed_layout_id integer references public.feed_layouts (id),
    created_at timestamptz,
    updated_at timestamptz,
    last_activity timestamptz
);

-- One row per message in a chat.
create table public.maya_chat_messages (
    id serial primary key,
    chat_id integer references public.maya_chats (id),
    role text,
    content text,
    concept_cards jsonb,
    styling_details jsonb,
    created_at timestamptz
);

-- One row per user: what Maya remembers.
create table public.maya_personal_memory (
    id serial primary key,
    user_id text unique references public.users (id),
    memory_data jsonb default '{}',
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per photo concept that Maya proposed.
create table public.maya_concepts (
    id serial primary key,
    user_id text references public.users (id),
    title text,
    description text,
    type text,
    prompt text,
    created_at timestamptz
);

-- One row per concept card of the earlier chat.
create table public.concept_cards (
    id serial primary key,
    user_id text references public.users (id),
    chat_id integer references public.maya_chats (id),
    title text,
    description text,
    aesthetic text,
    prompt text,
    image_url text,
    created_at timestamptz
);
