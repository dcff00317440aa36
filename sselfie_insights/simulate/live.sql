-- The documented schema, turned into what a live database looks like: renamed, retyped, missing and
-- extra columns and tables. Run on the simulated rows, which it carries over.

-- Renamed.
alter table subscriptions rename column plan_name to plan;
alter table credit_transactions rename column payment_amount to payment_amount_cents;
alter table maya_chats rename column title to chat_title;
alter table blueprint_subscribers rename column subscribed_at to created_at;
alter table freebie_subscribers rename column subscribed_at to created_at;
alter table admin_cron_runs rename column cron_name to job_name;
alter table admin_cron_runs rename column completed_at to finished_at;

-- Missing.
alter table subscriptions drop column cancel_at_period_end;
alter table users drop column photo_goals, drop column generations_used_this_month;
alter table training_runs drop column is_luxury, drop column finetune_id, drop column is_test;
alter table feed_layouts drop column feed_story, drop column visual_rhythm;
alter table feed_posts drop column text_overlay;
alter table academy_courses drop column instructor_name, drop column thumbnail_url;
alter table prompt_pages drop column upsell_text;
alter table mission_control_tasks drop column notes;
alter table user_profiles drop column phone, drop column website_url;
drop table carousel_posts;

-- Extra.
alter table users add column referral_code text, add column streak_days integer default 0;
alter table ai_images add column source text, add column width integer;
update ai_images set source = case when category in ('upload', 'profile', 'highlight')
    then 'upload' else 'generated' end;
alter table credit_transactions add column is_test_mode boolean default false;
update credit_transactions set is_test_mode = true
where transaction_type in ('purchase', 'subscription_grant') and user_id in (select user_id from subscriptions where is_test_mode);
create table referrals (
    id serial primary key,
    referrer_id text references users,
    referred_email text,
    created_at timestamp default now()
);
create table "Pose-Library" (id uuid primary key, pose text, tags text[], weights double precision[]);
create view active_subscriptions as select * from subscriptions where status = 'active';

-- Other types.
alter table feedback alter column id drop default;
alter table feedback alter column id type uuid using md5('feedback' || id)::uuid;
alter table generated_images alter column image_urls type text using case id % 3
    when 0 then to_json(image_urls)::text
    when 1 then image_urls[1]
    else split_part(split_part(image_urls[1], '/', 4), '.', 1)
end;
alter table user_credits alter column balance type numeric;
alter table maya_chats alter column chat_type type varchar(40) using replace(chat_type, '_', '-');
alter table stripe_payments alter column metadata type json using metadata::json;

-- Instants without a zone, UTC by convention.
do $$
declare
    one record;
begin
    for one in
        select table_name, column_name
        from information_schema.columns
        where table_schema = current_schema()
            and data_type = 'timestamp with time zone'
            and table_name in (
                'ai_images', 'generated_images', 'generated_videos', 'credit_transactions',
                'user_credits', 'user_models', 'maya_chats', 'maya_chat_messages', 'feed_layouts',
                'feed_posts', 'feed_strategy', 'instagram_bios', 'instagram_highlights',
                'user_academy_enrollments', 'user_lesson_progress', 'academy_courses',
                'academy_lessons', 'brand_assets', 'feedback', 'blueprint_subscribers', 'waitlist',
                'admin_cron_runs', 'prompt_guides', 'prompt_pages', 'weekly_journal',
                'pro_photoshoot_sessions', 'pro_photoshoot_grids', 'selfie_uploads',
                'user_profiles', 'user_personal_brand', 'users', 'maya_concepts', 'instagram_captions',
                'content_calendars', 'maya_prompt_suggestions', 'writing_assistant_outputs',
                'mission_control_tasks', 'alex_suggestion_history', 'admin_agent_messages',
                'admin_feature_flags'
            )
    loop
        execute format(
            'alter table %I alter column %I type timestamp using %I at time zone ''UTC''',
            one.table_name, one.column_name, one.column_name
        );
    end loop;
end
$$;

-- Guarded by rows: whoever may not bypass this reads them as empty.
alter table maya_chats enable row level security;
alter table maya_chat_messages enable row level security;
alter table user_credits enable row level security;
