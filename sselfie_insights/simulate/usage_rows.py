"""What using the product leaves behind: credits, models, images, videos, chats and feeds.

All rows that bear witness to one activity carry its instant. Beside them stand rows that look
like use and are none: uploads, twins, posts that the system makes, a chat's last activity.
"""

import json
from random import Random
from typing import Final

from sselfie_insights.simulate.events import Activity, History, Shape, Standing
from sselfie_insights.simulate.instants import DAY, HOUR, MINUTE, SECOND
from sselfie_insights.simulate.sheets import Sheets

COLUMNS: Final = {
    "user_credits": "id user_id balance total_purchased total_used created_at updated_at",
    "credit_transactions": (
        "id user_id amount transaction_type description reference_id stripe_payment_id "
        "payment_amount product_type balance_after created_at"
    ),
    "training_runs": (
        "id user_id replicate_model_id trigger_word training_status model_name training_progress "
        "training_id is_test created_at updated_at started_at completed_at"
    ),
    "selfie_uploads": "id user_id training_run_id image_url uploaded_at",
    "lora_weights": "id training_run_id weights_url version created_at",
    "user_models": "id user_id training_run_id model_name trigger_word is_active created_at",
    "generated_images": (
        "id user_id model_id category prompt image_urls selected_url saved created_at"
    ),
    "ai_images": (
        "id user_id image_url prompt category is_favorite prediction_id generation_status "
        "created_at"
    ),
    "generated_videos": "id user_id image_id video_url status created_at",
    "photo_selections": "id user_id image_id selection_type created_at",
    "maya_chats": "id user_id title chat_type feed_layout_id created_at updated_at last_activity",
    "maya_chat_messages": "id chat_id role content concept_cards created_at",
    "feed_layouts": ("id user_id name status grid_order brand_vibe hashtags created_at updated_at"),
    "feed_posts": (
        "id feed_layout_id user_id position title caption generation_status is_pro_mode created_at"
    ),
    "feed_strategy": (
        "id user_id feed_layout_id brand_positioning content_pillars created_at updated_at"
    ),
    "instagram_bios": "id feed_layout_id user_id bio_text created_at updated_at",
    "instagram_highlights": (
        "id feed_layout_id user_id title generation_status created_at updated_at"
    ),
    "carousel_posts": "id user_id title caption hashtags image_ids created_at",
    "pro_photoshoot_sessions": (
        "id user_id original_image_id session_status created_at updated_at completed_at"
    ),
    "pro_photoshoot_grids": (
        "id session_id grid_number prediction_id grid_url generation_status created_at updated_at "
        "completed_at"
    ),
    "pro_photoshoot_frames": "id grid_id frame_number frame_url gallery_image_id created_at",
    "generation_trackers": "id user_id prediction_id status created_at",
}

_SUBJECTS = ("portrait", "flatlay", "street style", "coffee shop", "studio light", "golden hour")
_UPLOADS = ("upload", "profile", "highlight")


class UsageRows:
    """Writes the rows of one person's use after the other's.

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
        self.rng, self.user_id = rng, person.user_id
        self.run_id: int | None = None
        self.image_id: int | None = None  # the last gallery image
        self.classic_ids: list[int] = []
        self.layout_id: int | None = None
        self.chat_id: int | None = None
        self._credits(person)
        self._uploads(person)
        for activity in person.activities:
            writer = getattr(self, f"_{activity.feature}", None)
            if writer:
                writer(person, activity)

    def _prediction(self) -> str:
        return f"{self.rng.getrandbits(100):025x}"

    def _after(self, at: int, delay: int) -> int:
        return min(self.now, at + delay)

    def _credits(self, person: History) -> None:
        balance = bought = used = 0
        last_at = person.signed_up_at
        for move in person.credit_moves:
            balance += move.credits
            if move.credits > 0:
                bought += move.credits
            else:
                used -= move.credits
            last_at = move.at
            if move.logged:
                self.sheets.add(
                    "credit_transactions",
                    person.user_id,
                    move.credits,
                    move.kind,
                    move.description,
                    None,
                    move.payment_id,
                    move.payment_cents,
                    move.product,
                    balance,
                    move.at,
                )
        if person.credit_moves:
            self.sheets.add(
                "user_credits",
                person.user_id,
                balance,
                bought,
                used,
                person.signed_up_at,
                last_at,
            )

    def _uploads(self, person: History) -> None:
        """Write pictures that were not generated, which are no activity."""
        rng = self.rng
        if rng.random() < 0.25:
            at = person.signed_up_at + int(rng.random() * (self.now - person.signed_up_at))
            for _ in range(rng.randrange(1, 4)):
                url = f"https://cdn.sselfie.example/upload/{rng.getrandbits(64):016x}.jpg"
                self._image_row(url, rng.choice(_UPLOADS), None, "completed", at)

    def _image_row(
        self, url: str | None, category: str, prediction: str | None, status: str, at: int
    ) -> None:
        self.image_id = self.sheets.add(
            "ai_images",
            self.user_id,
            url,
            self.rng.choice(_SUBJECTS),
            category,
            self.rng.random() < 0.1,
            prediction,
            status,
            at,
        )

    def _training(self, person: History, activity: Activity) -> None:
        at, trigger = activity.at, f"user{person.number}"
        trained_at = self._after(at, 40 * MINUTE)
        if self.is_documented:
            self.run_id = self.sheets.add(
                "training_runs",
                self.user_id,
                f"sselfie/{trigger}",
                trigger,
                "completed",
                f"{person.name} model",
                100,
                self._prediction(),
                person.standing is Standing.TEST,
                at,
                trained_at,
                at,
                trained_at,
            )
            self.sheets.add(
                "lora_weights", self.run_id, f"https://cdn.sselfie.example/{trigger}", "v1", at
            )
        for shot in range(5):
            url = f"https://cdn.sselfie.example/selfie/{trigger}/{shot}.jpg"
            self.sheets.add("selfie_uploads", self.user_id, self.run_id, url, at - shot * SECOND)
        self.sheets.add(
            "user_models", self.user_id, self.run_id, f"{person.name} model", trigger, True, at
        )

    def _image(self, person: History, activity: Activity) -> None:
        if activity.deleted:
            return
        prediction, at = self._prediction(), activity.at
        if activity.failed:
            self._image_row(None, "concept", prediction, "failed", at)
            return
        url = f"https://replicate.example/{prediction}.png"
        self._image_row(url, "concept", prediction, "completed", at)
        if activity.form == "classic":
            self.classic_ids.append(
                self.sheets.add(
                    "generated_images",
                    self.user_id,
                    self.run_id,
                    "concept",
                    self.rng.choice(_SUBJECTS),
                    f"{{{url}}}",
                    url,
                    False,
                    at,
                )
            )
        if self.is_documented and self.rng.random() < 0.1:
            self.sheets.add("generation_trackers", self.user_id, prediction, "completed", at)

    def _photoshoot(self, person: History, activity: Activity) -> None:
        at, sheets, rng = activity.at, self.sheets, self.rng
        if activity.form == "selection":
            chosen = rng.choice(self.classic_ids) if self.classic_ids else None
            kind = rng.choice(("favorite", "download", "share"))
            sheets.add("photo_selections", self.user_id, chosen, kind, at)
        elif activity.form == "frames":
            for _ in range(1 + activity.count):
                prediction = self._prediction()
                url = f"https://replicate.example/{prediction}.png"
                self._image_row(url, "photoshoot", prediction, "completed", at)
        else:
            done_at = self._after(at, HOUR)
            session = sheets.add(
                "pro_photoshoot_sessions",
                self.user_id,
                self.image_id,
                "completed",
                at,
                done_at,
                done_at,
            )
            prediction = self._prediction()
            url = f"https://replicate.example/{prediction}.png"
            grid = sheets.add(
                "pro_photoshoot_grids", session, 1, prediction, url, "completed", at, at, done_at
            )
            for frame in range(1, 10):
                sheets.add("pro_photoshoot_frames", grid, frame, f"{url}#{frame}", None, at)

    def _video(self, person: History, activity: Activity) -> None:
        status = "failed" if activity.failed else "completed"
        url = None if activity.failed else f"https://replicate.example/{self._prediction()}.mp4"
        self.sheets.add("generated_videos", self.user_id, self.image_id, url, status, activity.at)

    def _chat(self, person: History, activity: Activity) -> None:
        at, sheets, rng = activity.at, self.sheets, self.rng
        if activity.form:
            subject = rng.choice(_SUBJECTS)
            is_feed = activity.form.startswith("feed")
            self.chat_id = sheets.add(
                "maya_chats",
                self.user_id,
                f"Ideas: {subject}",
                activity.form,
                self.layout_id if is_feed else None,
                at,
                at,
                # Moves whenever the chat is loaded.
                self._after(at, int(rng.expovariate(1 / 9) * DAY)),
            )
        answered_at = self._after(at, 9 * SECOND)
        sheets.add("maya_chat_messages", self.chat_id, "user", "A new concept, please", None, at)
        cards = '[{"title": "Soft light"}]' if rng.random() < 0.3 else None
        sheets.add(
            "maya_chat_messages", self.chat_id, "assistant", "Here it is", cards, answered_at
        )

    def _feed(self, person: History, activity: Activity) -> None:
        at, sheets, user_id = activity.at, self.sheets, self.user_id
        if activity.form == "layout":
            self._layout(at)
        elif activity.form == "post":
            sheets.add(
                "feed_posts", self.layout_id, user_id, 9, "New post", None, "completed", True, at
            )
        elif activity.form == "bio":
            sheets.add("instagram_bios", self.layout_id, user_id, "Founder · Oslo", at, at)
        elif activity.form == "highlight":
            sheets.add(
                "instagram_highlights", self.layout_id, user_id, "About", "completed", at, at
            )
        else:
            images = f"{{{','.join(map(str, self.classic_ids[-3:]))}}}"
            sheets.add(
                "carousel_posts", user_id, "Carousel", "Swipe", "{#brand,#story}", images, at
            )

    def _layout(self, at: int) -> None:
        sheets, user_id = self.sheets, self.user_id
        self.layout_id = sheets.add(
            "feed_layouts",
            user_id,
            "My feed",
            self.rng.choice(("draft", "published")),
            json.dumps(list(range(1, 10))),
            "calm",
            "{#founder,#studio}",
            at,
            at,
        )
        # The system fills the grid at once; that is not the user's doing.
        for position in range(1, 10):
            made_at = self._after(at, position * 4 * SECOND)
            sheets.add(
                "feed_posts",
                self.layout_id,
                user_id,
                position,
                f"Post {position}",
                "A caption",
                "completed",
                False,
                made_at,
            )
        sheets.add("feed_strategy", user_id, self.layout_id, "Warm expert", '["story"]', at, at)
