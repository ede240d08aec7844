"""Adapts what the Binance client returns for OctoBot, as the adapter of OctoBot's own Binance class does.

Stop and take-profit orders are left out: the offline exchange has none.
"""

from __future__ import annotations

import decimal
from typing import Any

import octobot_trading.enums as trading_enums
import octobot_trading.exchanges as exchanges

PENDING_NEW = "PENDING_NEW"
"""Binance's status of some waiting orders, which ccxt passes on unchanged."""
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
        """A trade is final, whatever happens to the rest of its order."""
        return [{**trade, _Order.STATUS.value: _CLOSED} for trade in super().fix_trades(raw, **kwargs)]

    def parse_position(self, fixed: Raw, force_empty: bool = False, **kwargs: Any) -> Any:
        """None for a position that is not a number."""
        try:
            return super().parse_position(fixed, force_empty=force_empty, **kwargs)
        except decimal.InvalidOperation:
            return None

    def parse_leverage(self, fixed: Raw, **kwargs: Any) -> Raw:
        """`fixed` is a position, which holds the leverage."""
        return {**super().parse_leverage(fixed, **kwargs), _ORDER_LEVERAGE: fixed[_POSITION_LEVERAGE]}

    def parse_funding_rate(self, fixed: Raw, from_ticker: bool = False, **kwargs: Any) -> Raw:
        """With the time of the last funding, derived from the next one; a ticker has neither."""
        if from_ticker:
            return {}
        rate: Raw = super().parse_funding_rate(fixed, from_ticker=from_ticker, **kwargs)
        next_at = float(rate.get(_Funding.NEXT_FUNDING_TIME.value, 0))
        return {**rate, _Funding.LAST_FUNDING_TIME.value: max(next_at - FUNDING_EVERY_S, 0)}
