-- One row per course in the catalogue.
create table public.academy_courses (
    id serial primary key,
    title text,
    description text,
    duration_minutes integer,
    level text,
    category text,
    tier text,
    thumbnail_url text,
    instructor_name text,
    total_lessons integer default 0,
    order_index integer default 0,
    status text default 'published',
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per lesson of a course.
create table public.academy_lessons (
    id serial primary key,
    course_id integer references public.academy_courses (id),
    title text,
    description text,
    lesson_number integer,
    lesson_type text default 'video',
    video_url text,
    duration_minutes integer,
    duration_seconds integer,
    content jsonb,
    resources jsonb,
    order_index integer,
    created_at timestamptz,
    updated_at timestamptz
);

-- One row per user and course enrolled in.
create table public.user_academy_enrollments (
    id serial primary key,
    user_id text references public.users (id),
    course_id integer references public.academy_courses (id),
    enrolled_at timestamptz,
    completed_at timestamptz,
    progress_percentage integer default 0,
    last_accessed_at timestamptz
);

-- One row per user and lesson begun.
create table public.user_lesson_progress (
    id serial primary key,
    user_id text references public.users (id),
    lesson_id integer references public.academy_lessons (id),
    watch_time_seconds integer default 0,
    completed_steps jsonb default '[]',
    status text default 'not_started',
    completed_at timestamptz,
    last_accessed_at timestamptz
);

-- One row per exercise attached to a lesson.
create table public.academy_exercises (
    id serial primary key,
    lesson_id integer references public.academy_lessons (id),
    exercise_type text,
    question text,
    options jsonb,
    correct_answer text,
    explanation text,
    order_index integer default 0,
    created_at timestamptz
);

-- One row per answer handed in.
create table public.academy_exercise_submissions (
    id serial primary key,
    user_id text references public.users (id),
    exercise_id integer references public.academy_exercises (id),
    answer text,
    is_correct boolean,
    submitted_at timestamptz
);

-- One row per certificate issued.
create table public.academy_certificates (
    id serial primary key,
    user_id text references public.users (id),
    course_id integer references public.academy_courses (id),
    certificate_url text,
    issued_at timestamptz
);

-- One row per template to download.
create table public.academy_templates (
    id serial primary key,
    title text,
    description text,
    thumbnail_url text,
    resource_type text,
    resource_url text,
    category text,
    order_index integer,
    download_count integer default 0,
    status text default 'published',
    created_at timestamptz
);

-- One row per flatlay picture offered to members.
create table public.academy_flatlay_images (
    id serial primary key,
    title text,
    description text,
    image_url text,
    category text,
    order_index integer,
    created_at timestamptz
);

-- One row per piece of content released in a month.
create table public.academy_monthly_drops (
    id serial primary key,
    title text,
    description text,
    resource_url text,
    month text,
    year integer,
    order_index integer,
    created_at timestamptz
);
