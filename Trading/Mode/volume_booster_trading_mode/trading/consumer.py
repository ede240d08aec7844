"""The consumer of the trading mode: makes the orders that its producer asks for, and tells what is known of them."""

from __future__ import annotations

import contextlib
import typing

import octobot_trading.enums as trading_enums
import octobot_trading.errors as trading_errors
import octobot_trading.modes as trading_modes
import octobot_trading.personal_data as trading_personal_data

from ..adapters import futures_data, http_guard, market_data, order_submission, request_queue
from ..adapters.order_submission import Submission, SubmissionStatus
from ..adapters.runtime.error_log import log_error
from ..campaign.campaign import Campaign
from ..core.accounting import reconciliation
from ..core.accounting.ledger import Outcome
from ..core.decision.guards import Halt
from ..core.model.basics import OrderType, Side
from ..core.model.orders import OrderIntent
from ..core.model.redact import named, text_of
from ..core.notify import progress_lines
from . import departure
from .orders.exchange_reconciler import ExchangeReconciler
from .orders.order_request import OrderRequest, RequestStatus
from .session import Session, TradingMode
from .simulated_reconciler import SimulatedReconciler

WOULD_HAVE_TAKEN = "the market came towards a post-only order before it arrived, so the exchange did not take it"
NOT_CREATED = "OctoBot did not create the order, its log says why"
_ORDER_TYPES = {
    (OrderType.MARKET, Side.BUY): trading_enums.TraderOrderType.BUY_MARKET,
    (OrderType.MARKET, Side.SELL): trading_enums.TraderOrderType.SELL_MARKET,
    (OrderType.LIMIT, Side.BUY): trading_enums.TraderOrderType.BUY_LIMIT,
    (OrderType.LIMIT, Side.SELL): trading_enums.TraderOrderType.SELL_LIMIT,
}


class VolumeBoosterTradingModeConsumer(trading_modes.AbstractTradingModeConsumer):
    """Makes the orders that the producer asks for, through OctoBot's trader, and always answers."""

    trading_mode: TradingMode

    def skip_portfolio_available_check_before_creating_orders(self) -> bool:
        """The decision has looked at the balance already."""
        return True

    @property
    def _session(self) -> Session:
        session = self.trading_mode.session
        assert session is not None
        return session

    async def create_new_orders(
        self, symbol: str, final_note: typing.Any, state: typing.Any, **kwargs: typing.Any
    ) -> list[typing.Any]:
        request: OrderRequest = kwargs[self.CREATE_ORDER_DATA_PARAM]["request"]
        if request.answer.done():
            return []
        try:
            created = await self._create_order(symbol, request)
        except Exception as error:  # noqa: BLE001 - the producer waits for the answer: whatever happened is one
            request.reply(RequestStatus.UNKNOWN, named(error))
            log_error(self.logger, error, f"Order not made: {named(error)}")
            return []
        return [created] if created else []

    async def _create_order(self, symbol: str, request: OrderRequest) -> typing.Any:
        """Send the order, which is written down already; None when it was not made, with the answer given."""
        session = self._session
        campaign = session.campaign
        if campaign is None:
            request.reply(RequestStatus.REFUSED, "the mode is stopping")
            return None
        if too_late := self._too_late(request, campaign):
            return self._refuse(request, campaign, too_late)
        await self.trading_mode.reload_if_file_changed()
        if forbidden := departure.forbidden(session, is_flattening=request.is_flattening):
            campaign.close(request.order_id, Outcome.CANCELLED, forbidden, session.now())
            request.reply(RequestStatus.REFUSED, forbidden)
            return None
        reconciler = session.reconciler
        is_simulated = isinstance(reconciler, SimulatedReconciler)
        self._log_sending(request.intent, symbol, is_simulated=is_simulated)
        if isinstance(reconciler, SimulatedReconciler):
            return await self._simulate(symbol, request, campaign, reconciler)
        assert isinstance(reconciler, ExchangeReconciler)
        return await self._submit(symbol, request, campaign, reconciler)

    async def _simulate(
        self, symbol: str, request: OrderRequest, campaign: Campaign, reconciler: SimulatedReconciler
    ) -> typing.Any:
        try:
            created = await self.trading_mode.create_order(self._order(symbol, request))
            problem = NOT_CREATED
        except trading_errors.MissingFunds as error:
            return self._refuse(request, campaign, named(error))
        except Exception as error:  # noqa: BLE001 - it is logged, and nothing of it stays reserved
            created, problem = None, named(error)
            log_error(self.logger, error, f"Order not made: {problem}")
        if created is None:
            # whatever it was, the simulator holds no such order: nothing of it stays reserved
            return self._refuse(request, campaign, problem)
        reconciler.write_down(created.to_dict())
        request.reply(RequestStatus.MADE)
        return created

    async def _submit(
        self, symbol: str, request: OrderRequest, campaign: Campaign, reconciler: ExchangeReconciler
    ) -> typing.Any:
        """Send the order to a real exchange, through OctoBot's trader; what is not certain is looked up afterwards."""
        if problem := order_submission.refusal(self.exchange_manager):
            return self._refuse(request, campaign, problem)
        submission = self._submission(symbol, request, campaign)
        created, permit = None, self._permit(request)
        try:
            with (
                http_guard.only_if(permit) as passage,
                self._queued(request),
                submission.active(self.exchange_manager.exchange),
            ):
                created = await self.trading_mode.create_order(self._order(symbol, request), params={})
                if created is not None and not submission.is_posted:
                    submission.went_unseen_as(created.exchange_order_id)
        except Exception as error:  # noqa: BLE001 - it is logged, and what became of the order is looked up
            log_error(self.logger, error, f"OctoBot could not take up the order {request.order_id}: {text_of(error)}")
            submission.octobot_problem = submission.octobot_problem or named(error)
        finally:
            reconciler.note_submission(submission, self._session.now())
        if passage.refused and not passage.left:
            submission.withheld = passage.refused
        self._answer(submission, request, campaign, reconciler)
        return created

    def _permit(self, request: OrderRequest) -> http_guard.Permit:
        """Asked by what leaves for the exchange, whatever it is, for the address that it is going to."""
        session = self._session
        return lambda stays_here: departure.forbidden(
            session, is_flattening=request.is_flattening, stays_here=stays_here
        )

    def _queued(self, request: OrderRequest) -> contextlib.AbstractContextManager[None]:
        """The order of an emergency stop goes before all that waits for its turn."""
        client = self.exchange_manager.exchange.connector.client
        return request_queue.going_first(client) if request.is_flattening else contextlib.nullcontext()

    def _submission(self, symbol: str, request: OrderRequest, campaign: Campaign) -> Submission:
        manager = self.exchange_manager
        venue = order_submission.venue_at(manager)
        assert venue is not None, "an exchange that is not known is refused before"
        size = futures_data.contract_size(manager, symbol)
        return Submission(
            order_id=request.order_id,
            symbol=symbol,
            intent=request.intent,
            venue=venue,
            tolerances=order_submission.tolerances_of(market_data.read_rules(manager, symbol), size),
            may_leave=lambda: self._withheld(request, campaign),
            contract_size=size,
        )

    def _answer(
        self, submission: Submission, request: OrderRequest, campaign: Campaign, reconciler: ExchangeReconciler
    ) -> None:
        session, reason = self._session, submission.reason
        match submission.status:
            case SubmissionStatus.ACCEPTED:
                request.reply(RequestStatus.MADE, reason)
            case SubmissionStatus.UNKNOWN:
                request.reply(RequestStatus.UNKNOWN, reason or "the exchange did not answer with an id of the order")
                if submission.went_unseen:
                    session.halt(Halt(reason, "wire_check", is_lasting=True))
            case SubmissionStatus.REFUSED if submission.would_have_taken:
                campaign.close(request.order_id, Outcome.CANCELLED, WOULD_HAVE_TAKEN, session.now())
                request.reply(RequestStatus.WOULD_TAKE, WOULD_HAVE_TAKEN)
            case SubmissionStatus.REFUSED:
                reason = reconciler.refusal_of(request.order_id) or reason or NOT_CREATED
                self._refuse(request, campaign, reason)
            case SubmissionStatus.WITHHELD:
                campaign.close(request.order_id, Outcome.CANCELLED, reason, session.now())
                request.reply(RequestStatus.REFUSED, reason)
            case SubmissionStatus.MISMATCH:
                self._refuse(request, campaign, reason)
                session.halt(Halt(reason, "wire_check", is_lasting=True))

    def _withheld(self, request: OrderRequest, campaign: Campaign) -> str:
        """Why an order whose turn has come must not leave after all; empty when it may."""
        too_late = self._too_late(request, campaign)
        return too_late or departure.forbidden(self._session, is_flattening=request.is_flattening)

    def _too_late(self, request: OrderRequest, campaign: Campaign) -> str:
        """Why an order has grown too old to be sent; empty when it has not."""
        waited_s = self._session.now() - (campaign.placed_at(request.order_id) or 0.0)
        return "OctoBot came to send it too late" if waited_s > reconciliation.SENT_WITHIN_S else ""

    def _log_sending(self, intent: OrderIntent, symbol: str, *, is_simulated: bool) -> None:
        """One line an order: a simulated market order fills at once, and that line says the same."""
        if not is_simulated or intent.order_type is OrderType.LIMIT:
            self.logger.info("Sending: %s", progress_lines.LazyText(progress_lines.intent_line, intent, symbol))

    def _refuse(self, request: OrderRequest, campaign: Campaign, reason: str) -> None:
        campaign.close(request.order_id, Outcome.REJECTED, reason, self._session.now())
        request.reply(RequestStatus.REFUSED, reason)

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
            **futures_data.order_options(self.exchange_manager, symbol, reduce_only=intent.reduce_only),
        )
