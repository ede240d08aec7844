"""Campaigns written to a journal by the policy itself, for what reads journals."""

from __future__ import annotations

import pathlib
from dataclasses import replace
from decimal import Decimal
from typing import Any

from fake_market import EXCHANGE, SYMBOL
from played_market import BALANCES, PRICE, RULES, PlayedMarket, conditions, settings

from octobot_volume_booster.campaign.campaign import Campaign
from octobot_volume_booster.core.accounting.ledger import Outcome
from octobot_volume_booster.core.decision.policy import Decision, Done, Place
from octobot_volume_booster.core.model.basics import Role, Trading
from octobot_volume_booster.core.model.orders import Fill, OpenOrder
from octobot_volume_booster.journal.file import CAMPAIGN_FILE
from octobot_volume_booster.journal.journal import DONE, HALT

SOURCE = f"{EXCHANGE} {SYMBOL}"
START = 1_700_000_000.0
QUICK: dict[str, Any] = {
    "min_buy_amount": 500,
    "max_buy_amount": 1_500,
    "min_sell_amount": 500,
    "max_sell_amount": 1_500,
}


class RecordedMarket(PlayedMarket):
    """A market whose campaign is in a journal, as the mode would write it."""

    campaign: Campaign

    def join(self, campaign: Campaign) -> RecordedMarket:
        self.campaign, self.now, self.moved_until = campaign, START, START
        campaign.begin(START, Trading.SIMULATION, self.seed, "2.0.15", SOURCE, self.settings)
        campaign.use(self.settings, START, SOURCE)
        campaign.equity(EXCHANGE, SYMBOL, START, PRICE, BALANCES.base_free, BALANCES.quote_free)
        campaign.note_conditions(START, SOURCE, conditions())
        self.ledger = campaign.ledger
        return self

    @property
    def market(self) -> tuple[str, str]:
        return (EXCHANGE, SYMBOL)

    def place(self, decision: Place) -> None:
        intent, order_id = decision.intent, f"order {len(self.placed)}"
        self.placed.append(decision)
        self.campaign.place(order_id, EXCHANGE, SYMBOL, intent, self.now)
        self.campaign.accept(order_id, str(len(self.placed)), self.now + 0.01)
        order = OpenOrder(order_id, intent.side, intent.price, intent.quantity, self.now)
        self.resting[order_id] = order
        if intent.order_type.value == "market":
            self.fill(order, intent.quantity, Role.TAKER)

    def fill(self, order: OpenOrder, quantity: Decimal, role: Role) -> None:
        self.fills += 1
        intent = self.campaign.record(order.order_id).intent
        fee = quantity * order.price * self.rules.taker_fee_rate
        amounts = quantity, order.price, fee, intent.mid_price, fee, "USDT"
        fill = Fill(f"fill {self.fills}", order.order_id, self.now + 0.02, order.side, role, *amounts)
        self.campaign.fill(replace(fill, mid_at_fill=self.price))
        self.resting.pop(order.order_id, None)

    def carry_out(self, decision: Decision) -> None:
        if not isinstance(decision, Place):
            for order in getattr(decision, "orders", None) or getattr(decision, "leftovers", ()):
                self.campaign.close(order.order_id, Outcome.CANCELLED, "timed out", self.now)
        super().carry_out(decision)
        if isinstance(decision, Done):
            self.campaign.note(self.now, DONE, SOURCE, "the target is reached")


def recorded(home: pathlib.Path, orders: int | None = None, seed: int = 7, **changes: Any) -> Campaign:
    """A campaign in the journal of a home: to its end, or so many orders of it. It is open, as by a bot that runs."""
    chosen = settings(**({"volume_target": 20_000, **QUICK} | changes))
    campaign = Campaign.open(home / "user" / CAMPAIGN_FILE)
    balances = {"base": BALANCES.base_free, "quote": BALANCES.quote_free}
    market = RecordedMarket(chosen, RULES, PRICE, seed, **balances).join(campaign)
    for _ in market.looks():
        if orders is not None and len(market.placed) >= orders:
            break
    return campaign


def halted(home: pathlib.Path) -> None:
    """The campaign of a home that a guard has halted."""
    campaign = recorded(home, orders=5)
    campaign.note(START + 60, HALT, SOURCE, "max_cost_bps: 31 bps are more than 30")
    campaign.close_journal()
