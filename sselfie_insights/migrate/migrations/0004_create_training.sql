-- One row per training of a user's image model.
create table public.training_runs (
    id serial primary key,
    user_id text references public.users (id),
    replicate_model_id text,
    trigger_word text,
    training_status text default 'pending',
    model_name text,
    replicate_version_id text,
    training_progress integer default 0,
    estimated_completion_time timestamptz,
    failure_reason text,
    trained_model_path text,
    lora_weights_url text,
    training_id text,
    is_luxury boolean default false,
    model_type text,
    finetune_id text,
    is_test boolean default false,
    created_at timestamptz,
    updated_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz
);

-- One row per picture uploaded for training.
create table public.selfie_uploads (
    id serial primary key,
    user_id text references public.users (id),
    training_run_id integer references public.training_runs (id),
    image_url text,
    uploaded_at timestamptz
);

-- One row per stored set of LoRA weights.
create table public.lora_weights (
    id serial primary key,
    training_run_id integer references public.training_runs (id),
    weights_url text,
    version text,
    created_at timestamptz
);

-- One row per trained model that a user can generate with.
create table public.user_models (
    id serial primary key,
    user_id text references public.users (id),
    training_run_id integer references public.training_runs (id),
    model_name text,
    trigger_word text,
    is_active boolean default true,
    created_at timestamptz
);
