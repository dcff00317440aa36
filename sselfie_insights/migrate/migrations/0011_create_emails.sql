-- One row per e-mail sent to a user.
create table public.email_sends (
    id serial primary key,
    user_id text references public.users (id),
    email_type text,
    subject text,
    status text,
    sent_at timestamptz,
    created_at timestamptz
);

-- One row per campaign.
create table public.email_campaigns (
    id serial primary key,
    campaign_name text,
    subject_line text,
    body_html text,
    target_audience jsonb,
    status text,
    sent_count integer default 0,
    open_count integer default 0,
    click_count integer default 0,
    created_at timestamptz,
    sent_at timestamptz
);

-- One row per e-mail draft that the admin assistant wrote.
create table public.admin_email_drafts (
    id serial primary key,
    campaign_name text,
    subject_line text,
    preview_text text,
    body_text text,
    body_html text,
    target_audience jsonb,
    image_urls text[],
    created_by text default 'maya_agent',
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per person who left an address for the brand blueprint.
create table public.blueprint_subscribers (
    id serial primary key,
    email text,
    name text,
    instagram_handle text,
    subscribed_at timestamptz
);

-- One row per person who left an address for a free download.
create table public.freebie_subscribers (
    id serial primary key,
    email text,
    name text,
    subscribed_at timestamptz
);

-- One row per person waiting for the launch.
create table public.waitlist (
    id serial primary key,
    email text,
    name text,
    created_at timestamptz
);
