"""How OctoBot reads what the client for Binance tells: as the adapter of its own class for Binance does.

What that one makes of stop and take-profit orders is left out: the offline exchange has none.
"""

from __future__ import annotations

import decimal
from typing import Any

import octobot_trading.enums as trading_enums
import octobot_trading.exchanges as exchanges

PENDING_NEW = "PENDING_NEW"
"""How Binance calls some orders that wait, and that ccxt passes on as it is."""
FUNDING_EVERY_S = 8 * 3_600

_Order = trading_enums.ExchangeConstantsOrderColumns
_Funding = trading_enums.ExchangeConstantsFundingColumns
_OPEN = trading_enums.OrderStatus.OPEN.value
_CLOSED = trading_enums.OrderStatus.CLOSED.value
_ORDER_LEVERAGE = trading_enums.ExchangeConstantsLeveragePropertyColumns.LEVERAGE.value
_POSITION_LEVERAGE = trading_enums.ExchangeConstantsPositionColumns.LEVERAGE.value

Raw = dict[str, Any]


class BinanceAdapter(exchanges.CCXTAdapter):
    """The adapter of one connector."""

    def fix_order(self, raw: Raw, symbol: str | None = None, **kwargs: Any) -> Raw:
        fixed: Raw = super().fix_order(raw, symbol=symbol, **kwargs)
        if fixed.get(_Order.STATUS.value) == PENDING_NEW:
            fixed[_Order.STATUS.value] = _OPEN
        return fixed

    def fix_trades(self, raw: list[Raw], **kwargs: Any) -> list[Raw]:
        """A trade has happened, whatever became of the rest of its order."""
        return [{**trade, _Order.STATUS.value: _CLOSED} for trade in super().fix_trades(raw, **kwargs)]

    def parse_position(self, fixed: Raw, force_empty: bool = False, **kwargs: Any) -> Any:
        """None for one that is no number."""
        try:
            return super().parse_position(fixed, force_empty=force_empty, **kwargs)
        except decimal.InvalidOperation:
            return None

    def parse_leverage(self, fixed: Raw, **kwargs: Any) -> Raw:
        """`fixed` is a position: that is where the leverage stands."""
        return {**super().parse_leverage(fixed, **kwargs), _ORDER_LEVERAGE: fixed[_POSITION_LEVERAGE]}

    def parse_funding_rate(self, fixed: Raw, from_ticker: bool = False, **kwargs: Any) -> Raw:
        """With the time of the last funding, which follows from the next one; a ticker tells nothing of it."""
        if from_ticker:
            return {}
        told: Raw = super().parse_funding_rate(fixed, from_ticker=from_ticker, **kwargs)
        next_at = float(told.get(_Funding.NEXT_FUNDING_TIME.value, 0))
        return {**told, _Funding.LAST_FUNDING_TIME.value: max(next_at - FUNDING_EVERY_S, 0)}
