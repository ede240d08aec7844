"""The consumer of the trading mode: makes the orders that its producer asks for, and tells what is known of them."""

from __future__ import annotations

import typing

import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.modes as trading_modes
import octobot_trading.personal_data as trading_personal_data

from . import exchange_view, futures_view, lookout, report
from .campaign import Campaign
from .core import reconcile
from .core.control import ControlState
from .core.ledger import Outcome
from .core.market import OrderIntent, OrderType, Side, Trading
from .order_request import Fate, OrderRequest

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
        if producer.now() - (campaign.placed_at(request.order_id) or 0.0) > reconcile.SENT_WITHIN_S:
            return self._refuse(request, campaign, "OctoBot came to send it too late")
        if forbidden := self._forbidden(request, campaign, producer):
            campaign.close(request.order_id, Outcome.CANCELLED, forbidden, producer.now())
            request.reply(Fate.REFUSED, forbidden)
            return None
        trading = exchange_view.trading_of(self.exchange_manager)
        is_simulated = trading.is_simulated
        self._tell_sending(request.intent, symbol, is_simulated=is_simulated)
        problem = "OctoBot did not create the order, its log says why"
        try:
            created = await self._send(self._order(symbol, request), producer)
        except trading_errors.MissingFunds as error:
            return self._refuse(request, campaign, f"MissingFunds: {error}")
        except Exception as error:
            created, problem = None, f"{type(error).__name__}: {error}"
            self.logger.exception(error, True, f"Order not made: {problem}")
        if created is None and is_simulated:
            # whatever it was, the simulator holds no such order: nothing of it stays reserved
            return self._refuse(request, campaign, problem)
        if is_simulated:
            producer.book(created.to_dict())
        request.reply(Fate.MADE if created is not None else Fate.UNKNOWN, problem)
        return created

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

    async def _send(self, order: typing.Any, producer: typing.Any) -> typing.Any:
        if producer.settler is None:
            return await self.trading_mode.create_order(order)
        with producer.settler.sending(order.order_id, producer.now()) as params:
            try:
                created = await self.trading_mode.create_order(order, params=params)
                if created is not None:
                    producer.settler.taken(order.order_id, created.exchange_order_id, producer.now())
                return created
            finally:
                producer.hear_limits()

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
