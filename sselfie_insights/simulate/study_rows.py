"""Academy, brand and feedback, profiles, e-mails and acquisition lists of one person."""

import json
from random import Random
from typing import Final

from sselfie_insights.simulate.events import Activity, History, Shape
from sselfie_insights.simulate.instants import DAY, HOUR, MINUTE
from sselfie_insights.simulate.sheets import Sheets
from sselfie_insights.simulate.usage import LESSONS

COURSES: Final = 4
LESSONS_PER_COURSE: Final = LESSONS // COURSES

COLUMNS: Final = {
    "user_profiles": "id user_id full_name location instagram_handle bio created_at updated_at",
    "user_personal_brand": (
        "id user_id brand_name brand_values target_audience color_palette created_at updated_at"
    ),
    "maya_personal_memory": "id user_id memory_data created_at updated_at",
    "maya_concepts": "id user_id title description type prompt created_at",
    "concept_cards": "id user_id chat_id title description aesthetic created_at",
    "user_academy_enrollments": (
        "id user_id course_id enrolled_at completed_at progress_percentage last_accessed_at"
    ),
    "user_lesson_progress": (
        "id user_id lesson_id watch_time_seconds status completed_at last_accessed_at"
    ),
    "academy_exercise_submissions": "id user_id exercise_id answer is_correct submitted_at",
    "academy_certificates": "id user_id course_id certificate_url issued_at",
    "email_sends": "id user_id email_type subject status sent_at created_at",
    "blueprint_subscribers": "id email name instagram_handle subscribed_at",
    "freebie_subscribers": "id email name subscribed_at",
    "waitlist": "id email name created_at",
    "alex_suggestion_history": (
        "id user_id suggestion_type suggestion_text priority dismissed acted_upon created_at"
    ),
    "feedback": "id user_id feedback_type message rating image_urls share_type created_at",
    "brand_assets": "id user_id file_name file_url file_type file_size created_at",
    "user_styleguides": "id user_id name style_rules created_at updated_at",
    "instagram_connections": "id user_id instagram_account_id access_token connected_at",
}

_EMAILS = (("welcome", 0), ("nurture_day_3", 3), ("nurture_day_7", 7), ("upsell_membership", 14))


class StudyRows:
    """Writes what is neither money nor images.

    Args:
        sheets: Where rows go.
        now: The instant of the database's state.
        shape: The live application never writes some of the tables.
    """

    def __init__(self, sheets: Sheets, now: int, shape: Shape) -> None:
        self.sheets, self.now = sheets, now
        self.is_documented = shape is Shape.DOCUMENTED

    def write(self, rng: Random, person: History) -> None:
        """Write one person's rows."""
        self._lists(rng, person)
        self._profile(rng, person)
        self._emails(rng, person)
        lessons = []
        for activity in person.activities:
            if activity.feature == "academy":
                if activity.form == "lesson":
                    lessons.append(activity)
                else:
                    self._submission(rng, person, activity)
            elif activity.feature == "brand":
                self._brand(rng, person, activity)
            elif activity.feature == "feedback":
                self._feedback(rng, person, activity)
        self._academy(rng, person, lessons)

    def _lists(self, rng: Random, person: History) -> None:
        shown = rng.choice((person.email, person.email.title()))
        for name, at in person.lists:
            if name == "blueprint":
                handle = f"@{person.name.split()[0].lower()}{person.number}"
                self.sheets.add("blueprint_subscribers", shown, person.name, handle, at)
            elif name == "freebie":
                self.sheets.add("freebie_subscribers", shown, person.name, at)
            else:
                self.sheets.add("waitlist", shown, person.name, at)

    def _profile(self, rng: Random, person: History) -> None:
        at, user_id, sheets = person.signed_up_at, person.user_id, self.sheets
        if not person.onboarded:
            return
        handle = f"@{person.name.replace(' ', '.').lower()}"
        sheets.add("user_profiles", user_id, person.name, "Oslo", handle, "Founder", at, at)
        if rng.random() < 0.4:
            palette = json.dumps({"primary": "#d6cfc7"})
            sheets.add(
                "user_personal_brand",
                user_id,
                f"{person.name} Studio",
                "{calm,honest}",
                "women founders",
                palette,
                at,
                at,
            )
        if rng.random() < 0.3:
            sheets.add("maya_personal_memory", user_id, '{"tone": "warm"}', at, at)
        if rng.random() < 0.15:
            sheets.add(
                "maya_concepts", user_id, "Morning light", "By a window", "portrait", "soft", at
            )
        if rng.random() < 0.03:
            account = f"{rng.getrandbits(48)}"
            sheets.add("instagram_connections", user_id, account, f"IGQ{account}", at)
        if rng.random() < 0.03:
            sheets.add(
                "alex_suggestion_history", user_id, "win_back", "Write to her", 2, False, False, at
            )
        if self.is_documented and rng.random() < 0.05:
            sheets.add("concept_cards", user_id, None, "City walk", "At dusk", "editorial", at)

    def _emails(self, rng: Random, person: History) -> None:
        if not self.is_documented:
            return
        for kind, day in _EMAILS:
            at = person.signed_up_at + day * DAY + 10 * MINUTE
            if at <= self.now and rng.random() < 0.6:
                status = "bounced" if rng.random() < 0.02 else "delivered"
                subject = kind.replace("_", " ").capitalize()
                self.sheets.add("email_sends", person.user_id, kind, subject, status, at, at)

    def _academy(self, rng: Random, person: History, lessons: list[Activity]) -> None:
        """Write a progress row per lesson, and an enrolment per course begun."""
        for course in range(COURSES):
            first = course * LESSONS_PER_COURSE + 1
            taken = [each for each in lessons if first <= each.count < first + LESSONS_PER_COURSE]
            if not taken:
                continue
            last_at = taken[-1].at
            is_done = len(taken) == LESSONS_PER_COURSE
            self.sheets.add(
                "user_academy_enrollments",
                person.user_id,
                course + 1,
                taken[0].at,
                last_at if is_done else None,
                100 * len(taken) // LESSONS_PER_COURSE,
                last_at,
            )
            if is_done:
                url = f"https://cdn.sselfie.example/certificate/{person.number}-{course}.pdf"
                at = min(self.now, last_at + HOUR)
                self.sheets.add("academy_certificates", person.user_id, course + 1, url, at)
        for lesson in lessons:
            is_done = rng.random() < 0.7
            self.sheets.add(
                "user_lesson_progress",
                person.user_id,
                lesson.count,
                rng.randrange(60, 900),
                "completed" if is_done else "in_progress",
                lesson.at if is_done else None,
                lesson.at,
            )

    def _submission(self, rng: Random, person: History, activity: Activity) -> None:
        exercise = activity.count if self.is_documented else None
        self.sheets.add(
            "academy_exercise_submissions",
            person.user_id,
            exercise,
            "My answer",
            rng.random() < 0.7,
            activity.at,
        )

    def _brand(self, rng: Random, person: History, activity: Activity) -> None:
        at = activity.at
        if activity.form == "styleguide":
            self.sheets.add(
                "user_styleguides", person.user_id, "Guide", '{"fonts": ["serif"]}', at, at
            )
        else:
            name = f"logo-{rng.randrange(1000)}.png"
            url = f"https://cdn.sselfie.example/brand/{name}"
            self.sheets.add(
                "brand_assets", person.user_id, name, url, "image/png", rng.randrange(900000), at
            )

    def _feedback(self, rng: Random, person: History, activity: Activity) -> None:
        self.sheets.add(
            "feedback",
            person.user_id,
            rng.choice(("bug", "idea", "testimonial")),
            "I love the studio light",
            rng.randrange(3, 6),
            None,
            rng.choice(("private", "public")),
            activity.at,
        )
