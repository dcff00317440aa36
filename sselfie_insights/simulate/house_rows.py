"""What the business itself keeps: the academy's catalogue, guides, campaigns, jobs and notes."""

from datetime import timedelta
from random import Random
from typing import Final

from sselfie_insights.simulate.events import Shape
from sselfie_insights.simulate.instants import DAY, HOUR, MINUTE, to_datetime
from sselfie_insights.simulate.sheets import Sheets
from sselfie_insights.simulate.study_rows import COURSES, LESSONS_PER_COURSE

COLUMNS: Final = {
    "academy_courses": (
        "id title description duration_minutes level category tier total_lessons order_index "
        "status created_at updated_at"
    ),
    "academy_lessons": (
        "id course_id title lesson_number lesson_type duration_minutes duration_seconds "
        "order_index created_at"
    ),
    "academy_exercises": (
        "id lesson_id exercise_type question options correct_answer order_index created_at"
    ),
    "academy_templates": (
        "id title resource_type resource_url category order_index download_count status created_at"
    ),
    "academy_flatlay_images": "id title image_url category order_index created_at",
    "academy_monthly_drops": "id title resource_url month year order_index created_at",
    "prompt_guides": (
        "id title category status created_by created_at updated_at published_at total_prompts "
        "total_approved"
    ),
    "prompt_guide_items": (
        "id guide_id prompt_text concept_title category status sort_order created_at approved_at "
        "approved_by"
    ),
    "prompt_pages": (
        "id guide_id slug title email_capture_type email_list_tag upsell_link status view_count "
        "email_capture_count created_at updated_at published_at"
    ),
    "email_campaigns": (
        "id campaign_name subject_line body_html target_audience status sent_count open_count "
        "click_count created_at sent_at"
    ),
    "admin_email_drafts": (
        "id campaign_name subject_line body_text target_audience image_urls created_by created_at "
        "updated_at"
    ),
    "admin_feature_flags": "id flag_name is_enabled description created_at updated_at",
    "admin_cron_runs": "id cron_name status started_at completed_at error_message created_at",
    "admin_email_errors": ("id email_type recipient_email error_message error_code created_at"),
    "mission_control_tasks": (
        "id task_name task_type status priority due_date completed_at created_at updated_at"
    ),
    "admin_agent_messages": "id message_type content metadata created_at",
    "instagram_captions": "id title caption_text hashtags category created_at",
    "content_calendars": (
        "id title duration start_date end_date platform calendar_data content_pillars total_posts "
        "created_by created_at updated_at"
    ),
    "maya_prompt_suggestions": (
        "id prompt_text prompt_title category season style tags created_by created_at updated_at"
    ),
    "writing_assistant_outputs": (
        "id content_pillar output_type content context calendar_scheduled created_by created_at"
    ),
    "testimonials": (
        "id customer_name testimonial_text rating is_featured collected_at created_at updated_at"
    ),
    "weekly_journal": "id week_start_date content status created_at updated_at",
    "daily_captures": "id journal_id date content created_at",
}


def write_house(
    sheets: Sheets, rng: Random, owner: str, since: int, now: int, shape: Shape
) -> None:
    """Write the business's own rows.

    Args:
        sheets: Where rows go.
        rng: The business's own stream.
        owner: The user id of the owner.
        since: When the business opened.
        now: The instant of the database's state.
        shape: The live application never writes some of the tables.
    """
    step = (now - since) // 10  # so that nothing is dated after now, however young the business
    _write_academy(sheets, since, step, shape)
    _write_guides(sheets, owner, since, step)
    _write_marketing(sheets, rng, owner, since, step, shape)
    _write_administration(sheets, rng, since, now)
    _write_journal(sheets, since, now, shape)


def _write_academy(sheets: Sheets, since: int, step: int, shape: Shape) -> None:
    levels = ("Beginner", "Intermediate", "Advanced")
    tiers = ("foundation", "professional", "enterprise")
    for course in range(1, COURSES + 1):
        sheets.add(
            "academy_courses",
            f"Course {course}",
            "Brand photography step by step",
            10 * LESSONS_PER_COURSE,
            levels[course % 3],
            "branding",
            tiers[course % 3],
            LESSONS_PER_COURSE,
            course,
            "published",
            since,
            since,
        )
        for number in range(1, LESSONS_PER_COURSE + 1):
            title = f"Lesson {course}.{number}"
            lesson = sheets.add(
                "academy_lessons", course, title, number, "video", 10, 600, number, since
            )
            if shape is Shape.DOCUMENTED:
                sheets.add(
                    "academy_exercises",
                    lesson,
                    "multiple_choice",
                    "Which light is softest?",
                    '["noon", "window"]',
                    "window",
                    1,
                    since,
                )
    for number in range(1, 7):
        link = f"https://cdn.sselfie.example/academy/{number}"
        sheets.add(
            "academy_templates",
            f"Template {number}",
            "canva",
            link,
            "social",
            number,
            number * 7,
            "published",
            since,
        )
        sheets.add("academy_flatlay_images", f"Flatlay {number}", link, "desk", number, since)
        month = to_datetime(since + number * step)
        sheets.add(
            "academy_monthly_drops",
            f"Drop {number}",
            link,
            f"{month:%B}",
            month.year,
            number,
            since + number * step,
        )


def _write_guides(sheets: Sheets, owner: str, since: int, step: int) -> None:
    for number in range(1, 4):
        at = since + number * step
        guide = sheets.add(
            "prompt_guides",
            f"Guide {number}",
            "portrait",
            "published",
            owner,
            at,
            at,
            at + DAY,
            5,
            4,
        )
        for item in range(1, 6):
            is_approved = item < 5
            sheets.add(
                "prompt_guide_items",
                guide,
                "Soft window light, linen shirt",
                f"Concept {item}",
                "portrait",
                "approved" if is_approved else "pending",
                item,
                at,
                at + HOUR if is_approved else None,
                owner if is_approved else None,
            )
        sheets.add(
            "prompt_pages",
            guide,
            f"guide-{number}",
            f"Guide {number}",
            "modal",
            f"guide_{number}",
            "/membership",
            "published",
            number * 120,
            number * 30,
            at,
            at,
            at + DAY,
        )


def _write_marketing(
    sheets: Sheets, rng: Random, owner: str, since: int, step: int, shape: Shape
) -> None:
    audience = '{"segment": "all"}'
    for number in range(1, 6):
        at = since + number * step
        name, subject = f"Campaign {number}", "A softer light for your brand"
        if shape is Shape.DOCUMENTED:
            sheets.add(
                "email_campaigns",
                name,
                subject,
                "<p>Hello</p>",
                audience,
                "sent",
                number * 40,
                number * 18,
                number * 3,
                at,
                at + HOUR,
            )
            sheets.add("testimonials", f"Client {number}", "It feels like me", 5, False, at, at, at)
        sheets.add(
            "admin_email_drafts", name, subject, "Hello", audience, "{}", "maya_agent", at, at
        )
        sheets.add("instagram_captions", f"Caption {number}", "Be seen", "{#brand}", "story", at)
        on = to_datetime(at).date()
        sheets.add(
            "content_calendars",
            f"Calendar {number}",
            "30 days",
            on,
            on + timedelta(days=30),
            "instagram",
            '{"posts": []}',
            "{story,proof}",
            12,
            owner,
            at,
            at,
        )
        sheets.add(
            "maya_prompt_suggestions",
            "Walking through the city at dusk",
            f"Dusk {number}",
            "street",
            "autumn",
            "editorial",
            "{dusk,city}",
            owner,
            at,
            at,
        )
        sheets.add(
            "writing_assistant_outputs",
            rng.choice(("prompts", "story", "future_self", "photoshoot")),
            rng.choice(("caption", "overlay", "voiceover", "hashtags")),
            "You are allowed to be seen",
            "{}",
            False,
            owner,
            at,
        )


def _write_administration(sheets: Sheets, rng: Random, since: int, now: int) -> None:
    for number, flag in enumerate(("pro_mode", "feed_planner", "academy_v2")):
        sheets.add("admin_feature_flags", flag, number % 2 == 0, "A switch", since, since)
    at = since
    while at <= now:
        failed = rng.random() < 0.05
        sheets.add(
            "admin_cron_runs",
            rng.choice(("send_nurture", "resolve_payments", "reset_limits")),
            "failed" if failed else "success",
            at,
            min(now, at + MINUTE),
            "timeout" if failed else None,
            at,
        )
        if failed:
            sheets.add("admin_email_errors", "nurture", "someone@gmail.com", "rejected", "550", at)
        at += 3 * DAY
    for number in range(1, 9):
        made_at = since + number * (now - since) // 10
        is_done = number % 2 == 0
        sheets.add(
            "mission_control_tasks",
            f"Task {number}",
            "growth",
            "completed" if is_done else "pending",
            number % 3,
            made_at + 7 * DAY,
            made_at + DAY if is_done else None,
            made_at,
            made_at,
        )
        sheets.add("admin_agent_messages", "summary", "All is well", '{"tone": "calm"}', made_at)


def _write_journal(sheets: Sheets, since: int, now: int, shape: Shape) -> None:
    monday = to_datetime(since).date()
    monday -= timedelta(days=monday.weekday())
    for week in range(1, 11):
        at = since + week * 7 * DAY
        if at > now:
            break
        day = monday + timedelta(days=7 * week)
        journal = sheets.add("weekly_journal", day, "A good week", "published", at, at)
        if shape is Shape.DOCUMENTED:
            sheets.add("daily_captures", journal, day, "Light on the wall", at)
