"""What people do with the product, and what it does to their credits."""

from random import Random

from sselfie_insights.simulate import catalog
from sselfie_insights.simulate.events import Activity, CreditMove, Ending, History, Shape
from sselfie_insights.simulate.instants import DAY, HOUR, MINUTE, SECOND, add_months, on_date

# Purchases carried no Stripe id in the ledger before this instant.
_LINKED_SINCE = on_date(2026, 1, 7)

# What a visit is for, in cumulative shares.
_PURPOSES = (
    (0.34, "chat"),
    (0.66, "image"),
    (0.72, "photoshoot"),
    (0.79, "video"),
    (0.87, "feed"),
    (0.94, "academy"),
    (0.98, "brand"),
    (1.0, "feedback"),
)

CHAT_TYPES = ("maya", "maya", "maya", "feed_designer", "feed_planner", "pro", "prompt_builder")
LESSONS = 24  # Lessons in the academy; a person takes them in order.


def use_product(
    rng: Random, person: History, now: int, shape: Shape, waves: list[tuple[int, int, str]]
) -> None:
    """Fill in the person's activities and credit moves up to ``now``, in order of time."""
    _Usage(rng, person, now, shape).run(waves)


class _Usage:
    def __init__(self, rng: Random, person: History, now: int, shape: Shape) -> None:
        self.rng, self.person, self.now, self.shape = rng, person, now, shape
        self.balance = 0
        self.keeps_pro_books = rng.random() < 0.3  # whether Pro spends reach the ledger
        self.is_trained = False
        self.layouts: list[int] = []
        self.lessons = 0
        self.classic_images = 0

    def run(self, waves: list[tuple[int, int, str]]) -> None:
        income = self._income(waves)
        income.sort(key=lambda move: move.at)
        received = 0
        for at in self._visits():
            while received < len(income) and income[received].at <= at:
                self._receive(income[received])
                received += 1
            self._visit(at)
        for move in income[received:]:
            self._receive(move)
        person, now = self.person, self.now
        person.activities = [activity for activity in person.activities if activity.at <= now]
        person.credit_moves = [move for move in person.credit_moves if move.at <= now]
        person.credit_moves.sort(key=lambda move: move.at)

    def _income(self, waves: list[tuple[int, int, str]]) -> list[CreditMove]:
        rng, person, now = self.rng, self.person, self.now
        moves = []
        if rng.random() < 0.7:
            moves.append(CreditMove(person.signed_up_at + SECOND, 10, "bonus", "Welcome credits"))
        for at, credits_, description in waves:
            if person.signed_up_at < at and rng.random() < 0.5:
                moves.append(CreditMove(at, credits_, "bonus", description))
        for purchase in person.purchases:
            moves.append(
                CreditMove(
                    purchase.at + 2 * SECOND,
                    purchase.credits,
                    "purchase",
                    f"Purchase of {purchase.credits} credits",
                    payment_id=purchase.id if purchase.at >= _LINKED_SINCE else None,
                    payment_cents=purchase.cents,
                    product=purchase.product,
                )
            )
            if purchase.refund:
                moves.append(_clawback(purchase.refund.at, purchase.credits))
        for subscription in person.subscriptions:
            for invoice in subscription.invoices:
                if invoice.ends - invoice.starts < 27 * DAY:
                    continue  # A proration brings no credits of its own.
                for month in range(subscription.interval):
                    at = add_months(invoice.starts, month) + max(
                        3 * SECOND, invoice.paid_at - invoice.starts
                    )
                    moves.append(_grant(at, subscription.credits, invoice.product))
            if subscription.ending is Ending.REFUNDED and rng.random() < 0.6:
                moves.append(_clawback(subscription.ended_at, subscription.credits))
        if person.comped == "active":
            moves += [
                _grant(add_months(person.signed_up_at + HOUR, month), 100, catalog.STUDIO)
                for month in range(6)
            ]
        if rng.random() < 0.04:
            moves.append(
                CreditMove(
                    person.signed_up_at + int(rng.random() * 200 * DAY),
                    rng.choice((-15, -5, 5, 20)),
                    "refund",
                    "Balance reconciliation",
                )
            )
        return [move for move in moves if move.at <= now]

    def _receive(self, move: CreditMove) -> None:
        move.credits = max(move.credits, -self.balance)
        if move.credits:
            self.balance += move.credits
            self.person.credit_moves.append(move)

    def _visits(self) -> list[int]:
        """Return the instants at which the person opens the product and does something."""
        rng, person = self.rng, self.person
        # The last visit leaves time for all that follows in it.
        since, now = person.signed_up_at + 5 * MINUTE, self.now - 3 * HOUR
        keenness = rng.lognormvariate(-0.3, 0.8)
        stretches = [(since, since + 14 * DAY, 0.11), (since, now, 0.004)]
        stretches += [(buy.at, buy.at + 21 * DAY, 0.2) for buy in person.purchases]
        stretches += [
            (invoice.starts, invoice.ends, 0.12)
            for subscription in person.subscriptions
            for invoice in subscription.invoices
        ]
        visits = []
        for starts, ends, visits_a_day in stretches:
            mean_gap = DAY / (visits_a_day * keenness)
            ends = min(ends, now)
            at = max(starts, since) + rng.expovariate(1 / mean_gap)
            while at < ends:
                visits.append(int(at))
                at += rng.expovariate(1 / mean_gap)
        visits.sort()
        return visits

    def _visit(self, at: int) -> None:
        rng = self.rng
        if not self.is_trained and self.balance >= 60 and rng.random() < 0.8:
            cost = catalog.training_cost(at)
            self._spend(at, cost, "training", "Model training")
            self._do(at, "training")
            self.is_trained = True
            at += HOUR
        draw = rng.random()
        purpose = next(name for share, name in _PURPOSES if draw < share)
        getattr(self, f"_{purpose}")(at)

    def _do(
        self,
        at: int,
        feature: str,
        form: str = "",
        *,
        count: int = 1,
        failed: bool = False,
        deleted: bool = False,
    ) -> None:
        self.person.activities.append(Activity(at, feature, form, count, failed, deleted))

    def _spend(self, at: int, credits_: int, kind: str, text: str, *, logged: bool = True) -> None:
        self.balance -= credits_
        self.person.credit_moves.append(CreditMove(at, -credits_, kind, text, logged))

    def _chat(self, at: int) -> None:
        rng = self.rng
        form = rng.choice(CHAT_TYPES)
        for _ in range(1 + int(rng.expovariate(1 / 1.6))):
            if self.balance < 1:
                form = form and "maya"
            elif rng.random() < 0.5:
                self._spend(at, 1, "image", "Maya conversation")
            self._do(at, "chat", form)
            form = ""
            at += int((0.5 + 4 * rng.random()) * MINUTE)

    def _image(self, at: int) -> None:
        rng = self.rng
        is_pro = rng.random() < 0.45
        for _ in range(1 + int(rng.expovariate(1 / 0.9))):
            cost = 2 if is_pro else 1
            if self.balance < cost:
                return self._academy(at)
            logged = not is_pro or self.keeps_pro_books
            outcome = rng.random()
            failed, deleted = outcome < 0.04, 0.04 <= outcome < 0.07
            text = "Pro image generation" if is_pro else "Image generation"
            # What neither the ledger nor an image records has left no trace at all.
            logged = logged or failed or deleted
            self._spend(at, cost, "image", text, logged=logged)
            form = "pro" if is_pro else "classic"
            self._do(at, "image", form, failed=failed, deleted=deleted)
            if failed:
                back = at + int((1 + 4 * rng.random()) * MINUTE)
                move = CreditMove(back, cost, "refund", "Credits returned: generation failed")
                self._receive(move)
            elif not deleted and not is_pro:
                self.classic_images += 1
            at += int((1 + 5 * rng.random()) * MINUTE)

    def _photoshoot(self, at: int) -> None:
        rng = self.rng
        draw, frames = rng.random(), rng.randrange(6, 10)
        if self.shape is Shape.DOCUMENTED and self.classic_images and draw < 0.4:
            self._do(at, "photoshoot", "selection")
        elif draw < 0.5:
            self._do(at, "photoshoot", "grids")
        elif self.balance >= frames:
            self._spend(at, frames, "image", "Photoshoot generation")
            self._do(at, "photoshoot", "frames", count=frames)
        else:
            self._chat(at)

    def _video(self, at: int) -> None:
        cost = catalog.video_cost(at)
        if self.balance < cost:
            return self._chat(at)
        self._spend(at, cost, "animation", "Video generation")
        return self._do(at, "video", failed=self.rng.random() < 0.05)

    def _feed(self, at: int) -> None:
        rng = self.rng
        # Posts within a minute of their layout are the system's own.
        if self.layouts and at > self.layouts[-1] + 2 * MINUTE and rng.random() < 0.6:
            forms = ["post", "bio", "highlight"]
            if self.shape is Shape.DOCUMENTED:
                forms.append("carousel")
            return self._do(at, "feed", rng.choice(forms))
        if self.balance < 5:
            return self._chat(at)
        if rng.random() < 0.7:
            self._spend(at, 5, "image", "Feed strategy generation")
        self.layouts.append(at)
        return self._do(at, "feed", "layout")

    def _academy(self, at: int) -> None:
        if self.lessons >= LESSONS:
            return self._brand(at)
        rng = self.rng
        if self.lessons and rng.random() < 0.2:
            return self._do(at, "academy", "submission", count=self.lessons)
        self.lessons += 1
        return self._do(at, "academy", "lesson", count=self.lessons)

    def _brand(self, at: int) -> None:
        is_guide = self.shape is Shape.DOCUMENTED and self.rng.random() < 0.25
        self._do(at, "brand", "styleguide" if is_guide else "asset")

    def _feedback(self, at: int) -> None:
        self._do(at, "feedback")


def _grant(at: int, credits_: int, product: str) -> CreditMove:
    return CreditMove(
        at, credits_, "subscription_grant", "Monthly membership credits", product=product
    )


def _clawback(at: int, credits_: int) -> CreditMove:
    return CreditMove(at + MINUTE, -credits_, "refund", "Credits withdrawn after a refund")
