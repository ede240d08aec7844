"""The consumer of the trading mode: makes the orders that its producer asks for, and tells what is known of them."""

from __future__ import annotations

import typing

import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.modes as trading_modes
import octobot_trading.personal_data as trading_personal_data

from . import exchange_view, futures_view, lookout, order_submission, report
from .campaign import Campaign
from .core import reconcile
from .core.control import ControlState
from .core.guards import Halt
from .core.ledger import Outcome
from .core.market import OrderIntent, OrderType, Side, Trading
from .order_request import Fate, OrderRequest
from .order_submission import Submission, SubmissionStatus

_ORDER_TYPES = {
    (OrderType.MARKET, Side.BUY): trading_enums.TraderOrderType.BUY_MARKET,
    (OrderType.MARKET, Side.SELL): trading_enums.TraderOrderType.SELL_MARKET,
    (OrderType.LIMIT, Side.BUY): trading_enums.TraderOrderType.BUY_LIMIT,
    (OrderType.LIMIT, Side.SELL): trading_enums.TraderOrderType.SELL_LIMIT,
}


class VolumeBoosterTradingModeConsumer(trading_modes.AbstractTradingModeConsumer):
    """Makes the orders that the producer asks for, through OctoBot's trader, and always answers."""

    def skip_portfolio_available_check_before_creating_orders(self) -> bool:
        """The decision has looked at the balance already."""
        return True

    async def create_new_orders(
        self, symbol: str, final_note: typing.Any, state: typing.Any, **kwargs: typing.Any
    ) -> list[typing.Any]:
        request: OrderRequest = kwargs[self.CREATE_ORDER_DATA_PARAM]["request"]
        if request.answer.done():
            return []
        try:
            created = await self._create_order(symbol, request)
        except Exception as error:
            # the producer waits for the answer: whatever happened is one
            request.reply(Fate.UNKNOWN, f"{type(error).__name__}: {error}")
            raise
        return [created] if created else []

    async def _create_order(self, symbol: str, request: OrderRequest) -> typing.Any:
        """Send the order, which is written down already; None when it was not made, with the answer given."""
        producer = self.trading_mode.producers[0]
        campaign: Campaign | None = producer.campaign
        if campaign is None:
            request.reply(Fate.REFUSED, "the mode is stopping")
            return None
        if too_late := self._too_late(request, campaign):
            return self._refuse(request, campaign, too_late)
        if forbidden := self._forbidden(request, campaign, producer):
            campaign.close(request.order_id, Outcome.CANCELLED, forbidden, producer.now())
            request.reply(Fate.REFUSED, forbidden)
            return None
        is_simulated = exchange_view.trading_of(self.exchange_manager).is_simulated
        self._tell_sending(request.intent, symbol, is_simulated=is_simulated)
        if is_simulated:
            return await self._simulate(symbol, request, campaign)
        return await self._submit(symbol, request, campaign)

    async def _simulate(self, symbol: str, request: OrderRequest, campaign: Campaign) -> typing.Any:
        try:
            created = await self.trading_mode.create_order(self._order(symbol, request))
            problem = "OctoBot did not create the order, its log says why"
        except trading_errors.MissingFunds as error:
            return self._refuse(request, campaign, f"MissingFunds: {error}")
        except Exception as error:
            created, problem = None, f"{type(error).__name__}: {error}"
            self.logger.exception(error, True, f"Order not made: {problem}")
        if created is None:
            # whatever it was, the simulator holds no such order: nothing of it stays reserved
            return self._refuse(request, campaign, problem)
        self.trading_mode.producers[0].book(created.to_dict())
        request.reply(Fate.MADE)
        return created

    async def _submit(self, symbol: str, request: OrderRequest, campaign: Campaign) -> typing.Any:
        """Send the order to a real exchange, through OctoBot's trader; what is not certain is looked up afterwards."""
        if problem := order_submission.refusal(self.exchange_manager):
            return self._refuse(request, campaign, problem)
        submission, producer = self._submission(symbol, request, campaign), self.trading_mode.producers[0]
        created = None
        try:
            with submission.active(self.exchange_manager.exchange):
                created = await self.trading_mode.create_order(self._order(symbol, request), params={})
        except Exception as error:
            self.logger.exception(error, True, f"OctoBot could not take up the order {request.order_id}: {error}")
        finally:
            producer.hear_limits()
            producer.settler.note_submission(submission, producer.now())
        if created is not None and not submission.is_posted:
            submission.mismatch = "something that was not checked: OctoBot created it in another way"
        self._answer(submission, request, campaign)
        return created

    def _submission(self, symbol: str, request: OrderRequest, campaign: Campaign) -> Submission:
        manager, producer = self.exchange_manager, self.trading_mode.producers[0]
        venue = order_submission.venue_at(manager)
        assert venue is not None, "an exchange that is not known is refused before"
        size = futures_view.contract_size(manager, symbol)
        return Submission(
            order_id=request.order_id,
            symbol=symbol,
            intent=request.intent,
            venue=venue,
            tolerances=order_submission.tolerances_of(exchange_view.read_rules(manager, symbol), size),
            may_leave=lambda: self._withheld(request, campaign, producer),
            contract_size=size,
        )

    def _answer(self, submission: Submission, request: OrderRequest, campaign: Campaign) -> None:
        producer, reason = self.trading_mode.producers[0], submission.reason
        match submission.status:
            case SubmissionStatus.ACCEPTED:
                request.reply(Fate.MADE, reason)
            case SubmissionStatus.UNKNOWN:
                request.reply(Fate.UNKNOWN, reason or "the exchange did not answer with an id of the order")
            case SubmissionStatus.REFUSED:
                self._refuse(request, campaign, reason)
            case SubmissionStatus.WITHHELD:
                campaign.close(request.order_id, Outcome.CANCELLED, reason, producer.now())
                request.reply(Fate.REFUSED, reason)
            case SubmissionStatus.MISMATCH:
                self._refuse(request, campaign, reason)
                producer.halt(Halt(reason, "wire_check", is_lasting=True))

    def _withheld(self, request: OrderRequest, campaign: Campaign, producer: typing.Any) -> str:
        """Why an order whose turn has come must not leave after all; empty when it may."""
        return (
            self._too_late(request, campaign)
            or self._forbidden(request, campaign, producer)
            or producer.settler.asked_to_be_left_alone(producer.now())
        )

    def _too_late(self, request: OrderRequest, campaign: Campaign) -> str:
        """Why an order has grown too old to be sent; empty when it has not."""
        waited_s = self.trading_mode.producers[0].now() - (campaign.placed_at(request.order_id) or 0.0)
        return "OctoBot came to send it too late" if waited_s > reconcile.SENT_WITHIN_S else ""

    def _tell_sending(self, intent: OrderIntent, symbol: str, *, is_simulated: bool) -> None:
        """One line an order: a simulated market order fills at once, and that line says the same."""
        if not is_simulated or intent.order_type is OrderType.LIMIT:
            self.logger.info("Sending: %s", report.Later(report.intent_line, intent, symbol))

    def _forbidden(self, request: OrderRequest, campaign: Campaign, producer: typing.Any) -> str:
        """Why the order must not leave after all, asked at the last moment; empty when it may."""
        campaign.take_commands(producer.now(), at_once=True)
        control = campaign.control
        if control.state is not ControlState.RUNNING and not request.is_flattening:
            return control.reason
        is_real = exchange_view.trading_of(self.exchange_manager) is Trading.LIVE
        settings = self.trading_mode.settings
        if is_real and not (settings and settings.i_accept_real_trading and lookout.is_real_trading_allowed()):
            return "real funds may not be traded any more"
        return ""

    def _refuse(self, request: OrderRequest, campaign: Campaign, reason: str) -> None:
        producer = self.trading_mode.producers[0]
        campaign.close(request.order_id, Outcome.REJECTED, reason, producer.now())
        request.reply(Fate.REFUSED, reason)

    def _order(self, symbol: str, request: OrderRequest) -> typing.Any:
        intent = request.intent
        return trading_personal_data.create_order_instance(
            trader=self.exchange_manager.trader,
            order_type=_ORDER_TYPES[intent.order_type, intent.side],
            symbol=symbol,
            current_price=intent.mid_price if intent.order_type is OrderType.LIMIT else intent.price,
            quantity=intent.quantity,
            price=intent.price,
            order_id=request.order_id,
            tag="volume_booster",
            **futures_view.order_options(self.exchange_manager, symbol, reduce_only=intent.reduce_only),
        )
