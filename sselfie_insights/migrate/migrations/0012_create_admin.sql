-- One row per switch of the application.
create table public.admin_feature_flags (
    id serial primary key,
    flag_name text unique,
    is_enabled boolean default false,
    description text,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per run of a scheduled job.
create table public.admin_cron_runs (
    id serial primary key,
    cron_name text,
    status text,
    started_at timestamptz,
    completed_at timestamptz,
    error_message text,
    created_at timestamptz
);

-- One row per e-mail that could not be sent.
create table public.admin_email_errors (
    id serial primary key,
    email_type text,
    recipient_email text,
    error_message text,
    error_code text,
    created_at timestamptz
);

-- One row per task on the staff's board.
create table public.mission_control_tasks (
    id serial primary key,
    task_name text,
    task_type text,
    status text,
    priority integer default 0,
    due_date timestamptz,
    completed_at timestamptz,
    notes text,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per suggestion that Alex, the admin assistant, made.
create table public.alex_suggestion_history (
    id serial primary key,
    user_id text references public.users (id),
    suggestion_type text,
    suggestion_text text,
    reasoning text,
    priority integer default 0,
    dismissed boolean default false,
    dismissed_at timestamptz,
    acted_upon boolean default false,
    acted_upon_at timestamptz,
    created_at timestamptz
);

-- One row per message to or from the admin assistant.
create table public.admin_agent_messages (
    id serial primary key,
    message_type text,
    content text,
    metadata jsonb,
    created_at timestamptz
);
