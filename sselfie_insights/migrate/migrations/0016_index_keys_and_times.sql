-- One index per foreign key (with the time or place that the application sorts by, where it
-- does), then one per column by which payments are matched and reports are cut.
-- migrate: no-transaction
-- migrate: skip-missing

create index concurrently if not exists user_profiles_user_id_idx on public.user_profiles (user_id);
create index concurrently if not exists subscriptions_user_id_idx on public.subscriptions (user_id);
create index concurrently if not exists stripe_payments_user_id_payment_date_idx
    on public.stripe_payments (user_id, payment_date);
create index concurrently if not exists credit_transactions_user_id_created_at_idx
    on public.credit_transactions (user_id, created_at);
create index concurrently if not exists training_runs_user_id_idx on public.training_runs (user_id);
create index concurrently if not exists selfie_uploads_user_id_idx
    on public.selfie_uploads (user_id);
create index concurrently if not exists selfie_uploads_training_run_id_idx
    on public.selfie_uploads (training_run_id);
create index concurrently if not exists lora_weights_training_run_id_idx
    on public.lora_weights (training_run_id);
create index concurrently if not exists user_models_user_id_idx on public.user_models (user_id);
create index concurrently if not exists user_models_training_run_id_idx
    on public.user_models (training_run_id);
create index concurrently if not exists generated_images_user_id_created_at_idx
    on public.generated_images (user_id, created_at);
create index concurrently if not exists generated_images_model_id_idx
    on public.generated_images (model_id);
create index concurrently if not exists ai_images_user_id_created_at_idx
    on public.ai_images (user_id, created_at);
create index concurrently if not exists generated_videos_user_id_created_at_idx
    on public.generated_videos (user_id, created_at);
create index concurrently if not exists generated_videos_image_id_idx
    on public.generated_videos (image_id);
create index concurrently if not exists photo_selections_user_id_idx
    on public.photo_selections (user_id);
create index concurrently if not exists photo_selections_image_id_idx
    on public.photo_selections (image_id);
create index concurrently if not exists maya_chats_user_id_updated_at_idx
    on public.maya_chats (user_id, updated_at);
create index concurrently if not exists maya_chats_feed_layout_id_idx
    on public.maya_chats (feed_layout_id);
create index concurrently if not exists maya_chat_messages_chat_id_created_at_idx
    on public.maya_chat_messages (chat_id, created_at);
create index concurrently if not exists maya_concepts_user_id_idx on public.maya_concepts (user_id);
create index concurrently if not exists concept_cards_user_id_idx on public.concept_cards (user_id);
create index concurrently if not exists concept_cards_chat_id_idx on public.concept_cards (chat_id);
create index concurrently if not exists feed_layouts_user_id_idx on public.feed_layouts (user_id);
create index concurrently if not exists feed_posts_feed_layout_id_position_idx
    on public.feed_posts (feed_layout_id, position);
create index concurrently if not exists feed_posts_user_id_idx on public.feed_posts (user_id);
create index concurrently if not exists feed_posts_image_id_idx on public.feed_posts (image_id);
create index concurrently if not exists feed_strategy_user_id_idx on public.feed_strategy (user_id);
create index concurrently if not exists feed_strategy_feed_layout_id_idx
    on public.feed_strategy (feed_layout_id);
create index concurrently if not exists instagram_bios_feed_layout_id_idx
    on public.instagram_bios (feed_layout_id);
create index concurrently if not exists instagram_bios_user_id_idx
    on public.instagram_bios (user_id);
create index concurrently if not exists instagram_highlights_feed_layout_id_idx
    on public.instagram_highlights (feed_layout_id);
create index concurrently if not exists instagram_highlights_user_id_idx
    on public.instagram_highlights (user_id);
create index concurrently if not exists carousel_posts_user_id_idx
    on public.carousel_posts (user_id);
create index concurrently if not exists pro_photoshoot_sessions_user_id_idx
    on public.pro_photoshoot_sessions (user_id);
create index concurrently if not exists pro_photoshoot_sessions_original_image_id_idx
    on public.pro_photoshoot_sessions (original_image_id);
create index concurrently if not exists pro_photoshoot_grids_session_id_idx
    on public.pro_photoshoot_grids (session_id);
create index concurrently if not exists pro_photoshoot_frames_grid_id_idx
    on public.pro_photoshoot_frames (grid_id);
create index concurrently if not exists pro_photoshoot_frames_gallery_image_id_idx
    on public.pro_photoshoot_frames (gallery_image_id);
create index concurrently if not exists academy_lessons_course_id_idx
    on public.academy_lessons (course_id);
create index concurrently if not exists user_academy_enrollments_user_id_idx
    on public.user_academy_enrollments (user_id);
create index concurrently if not exists user_academy_enrollments_course_id_idx
    on public.user_academy_enrollments (course_id);
create index concurrently if not exists user_lesson_progress_user_id_idx
    on public.user_lesson_progress (user_id);
create index concurrently if not exists user_lesson_progress_lesson_id_idx
    on public.user_lesson_progress (lesson_id);
create index concurrently if not exists academy_exercises_lesson_id_idx
    on public.academy_exercises (lesson_id);
create index concurrently if not exists academy_exercise_submissions_user_id_idx
    on public.academy_exercise_submissions (user_id);
create index concurrently if not exists academy_exercise_submissions_exercise_id_idx
    on public.academy_exercise_submissions (exercise_id);
create index concurrently if not exists academy_certificates_user_id_idx
    on public.academy_certificates (user_id);
create index concurrently if not exists academy_certificates_course_id_idx
    on public.academy_certificates (course_id);
create index concurrently if not exists prompt_guides_created_by_idx
    on public.prompt_guides (created_by);
create index concurrently if not exists prompt_guide_items_guide_id_idx
    on public.prompt_guide_items (guide_id);
create index concurrently if not exists prompt_guide_items_approved_by_idx
    on public.prompt_guide_items (approved_by);
create index concurrently if not exists prompt_pages_guide_id_idx on public.prompt_pages (guide_id);
create index concurrently if not exists email_sends_user_id_idx on public.email_sends (user_id);
create index concurrently if not exists alex_suggestion_history_user_id_idx
    on public.alex_suggestion_history (user_id);
create index concurrently if not exists content_calendars_created_by_idx
    on public.content_calendars (created_by);
create index concurrently if not exists maya_prompt_suggestions_created_by_idx
    on public.maya_prompt_suggestions (created_by);
create index concurrently if not exists writing_assistant_outputs_created_by_idx
    on public.writing_assistant_outputs (created_by);
create index concurrently if not exists feedback_user_id_idx on public.feedback (user_id);
create index concurrently if not exists brand_assets_user_id_idx on public.brand_assets (user_id);
create index concurrently if not exists user_styleguides_user_id_idx
    on public.user_styleguides (user_id);
create index concurrently if not exists instagram_connections_user_id_idx
    on public.instagram_connections (user_id);
create index concurrently if not exists generation_trackers_user_id_idx
    on public.generation_trackers (user_id);
create index concurrently if not exists daily_captures_journal_id_idx
    on public.daily_captures (journal_id);

create index concurrently if not exists users_created_at_idx on public.users (created_at);
create index concurrently if not exists stripe_payments_payment_date_idx
    on public.stripe_payments (payment_date);
create index concurrently if not exists subscriptions_current_period_end_idx
    on public.subscriptions (current_period_end);
create index concurrently if not exists credit_transactions_created_at_idx
    on public.credit_transactions (created_at);
create index concurrently if not exists users_stripe_customer_id_idx
    on public.users (stripe_customer_id);
create index concurrently if not exists subscriptions_stripe_customer_id_idx
    on public.subscriptions (stripe_customer_id);
create index concurrently if not exists stripe_payments_stripe_customer_id_idx
    on public.stripe_payments (stripe_customer_id);
create index concurrently if not exists stripe_payments_stripe_invoice_id_idx
    on public.stripe_payments (stripe_invoice_id);
