"""Recordings: played back as they happened, and refused with a reason."""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from octobot_volume_booster.offline_exchange.server.market.recordings import ReplayError
from octobot_volume_booster.offline_exchange.server.market.replay import Replay, load_replay

START_TIME = 1_700_000_000
START_MS = START_TIME * 1_000
BTC, ETH = "BTCUSDT", "ETHUSDT"
BITCOIN = {"base": "BTC", "quote": "USDT", "tick_quote": "0.01", "step_base": "0.001", "minimum_notional_quote": 5,
           "trades": "trades.csv"}  # fmt: skip
TRADES_HEADER = "time_ms,price,quantity,buyer_is_maker\n"
TRADES = TRADES_HEADER + "5000,100.00,1,true\n5250,100.02,0.5,false\n5250,100.01,2.125,1\n9999,99.99,0.001,FALSE\n"
DEPTH_HEADER = "time_ms,kind,side,price,quantity\n"
SNAPSHOT = "4000,snapshot,bid,99,1\n4000,snapshot,bid,98,2\n4000,snapshot,ask,101,3\n"
DEPTH = DEPTH_HEADER + SNAPSHOT + "6000,diff,bid,99,0\n6000,diff,ask,100.5,4\n8000,diff,bid,98.5,5\n"


def write(folder: Path, trades: str | bytes = TRADES, depth: str | bytes | None = None, /, **fields: Any) -> Path:
    files = {"trades.csv": trades} if depth is None else {"trades.csv": trades, "depth.csv": depth}
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    fields = {**BITCOIN, **fields} if depth is None else {**BITCOIN, "depth": "depth.csv", **fields}
    (folder / "markets.json").write_text(json.dumps({BTC: fields}), encoding="utf-8")
    return folder


def load(folder: Path, skip_seconds: int = 0, seed: int = 7) -> Replay:
    return load_replay(folder, START_TIME, seed, skip_seconds)


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """A folder for each example of a property; tmp_path would be shared by all of them."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def test_a_recorded_file_is_played_back_exactly(tmp_path) -> None:
    replay = load(write(tmp_path))
    prints = replay.prints_from_id(BTC, replay.end_ms, 1, 10)
    assert [(trade.trade_id, trade.time_ms - START_MS, str(trade.price_quote), trade.quantity_base,
             trade.buyer_is_maker) for trade in prints] == [
        (1, 0, "100.00", Decimal(1), True),
        (2, 250, "100.02", Decimal("0.5"), False),
        (3, 250, "100.01", Decimal("2.125"), True),
        (4, 4_999, "99.99", Decimal("0.001"), False),
    ]  # fmt: skip
    assert replay.end_ms == START_MS + 4_999
    assert replay.visible(BTC, START_MS) == 1


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(1, 10**6), st.integers(1, 10**6), st.booleans()), min_size=1),
    st.integers(0, 10**12),
    st.data(),
)
def test_every_recording_keeps_its_prices_sizes_order_and_spacing(rows, first_ms, data) -> None:
    times_ms = [first_ms]
    for gap_ms, *_ in rows[1:]:
        times_ms.append(times_ms[-1] + gap_ms)
    skip_seconds = data.draw(st.integers(0, (times_ms[-1] - first_ms) // 1_000))
    expected = [
        (time_ms - first_ms, Decimal(ticks) / 100, Decimal(steps) / 1_000, buyer_is_maker)
        for time_ms, (_, ticks, steps, buyer_is_maker) in zip(times_ms, rows, strict=True)
    ]
    lines = [f"{first_ms + after_ms},{price},{quantity},{maker}" for after_ms, price, quantity, maker in expected]
    with fresh_folder() as folder:
        replay = load(write(folder, TRADES_HEADER + "\n".join(lines)), skip_seconds)
    prints = replay.newest_prints(BTC, replay.end_ms, len(rows))
    assert replay.origin_ms == START_MS - skip_seconds * 1_000
    assert [(trade.time_ms - replay.origin_ms, trade.price_quote, trade.quantity_base, trade.buyer_is_maker)
            for trade in prints] == expected  # fmt: skip
    now_ms = data.draw(st.integers(replay.origin_ms, replay.end_ms + 5_000))
    assert replay.prints_since(BTC, now_ms, 0, 10**6) == [trade for trade in prints if trade.time_ms <= now_ms]
    assert replay.prints_between(BTC, now_ms, replay.end_ms) == prints[replay.visible(BTC, now_ms) :]


@pytest.mark.parametrize("per_millisecond", [1, 1_000])
@pytest.mark.parametrize("middle", ["{price},{quantity},9.99", "{price},{quantity},17,18"])
def test_binance_dumps_are_read_as_they_are(tmp_path, middle, per_millisecond) -> None:
    first_ms = 1_735_689_600_010
    lines = [
        f"{number},{middle.format(price=price, quantity=quantity)},{time_ms * per_millisecond},{maker},True"
        for number, price, quantity, time_ms, maker in [
            (881, "93576.00000000", "0.00100000", first_ms, "True"),
            (882, "93576.01000000", "1.50000000", first_ms + 7, "False"),
        ]
    ]
    prints = load(write(tmp_path, "\n".join(lines))).newest_prints(BTC, START_MS + 7, 10)
    assert [(trade.time_ms - START_MS, trade.price_quote, trade.quantity_base, trade.buyer_is_maker)
            for trade in prints] == [
        (0, Decimal(93576), Decimal("0.001"), True),
        (7, Decimal("93576.01"), Decimal("1.5"), False),
    ]  # fmt: skip


def test_after_the_end_nothing_happens_any_more(tmp_path) -> None:
    for depth in (None, DEPTH):
        replay = load(write(tmp_path, TRADES, depth))
        later_ms = replay.end_ms + 90_000_000
        assert replay.last_print(BTC, later_ms) == replay.last_print(BTC, replay.end_ms)
        assert replay.book(BTC, later_ms) == replay.book(BTC, replay.end_ms)
        assert replay.prints_between(BTC, replay.end_ms, later_ms) == []
        assert replay.average_price_quote(BTC, later_ms, 300_000) == Decimal("99.99")
        assert replay.candles(BTC, "1m", later_ms, 1)[0].close_quote == Decimal("99.99")


def book_of(replay: Replay, after_start_ms: int) -> tuple[int, str, str]:
    book = replay.book(BTC, START_MS + after_start_ms)
    sides = (
        " ".join(f"{level.price_quote}:{level.quantity_base}" for level in side) for side in (book.bids, book.asks)
    )
    return (book.update_id, *sides)


def test_a_recorded_book_follows_its_snapshot_and_diffs(tmp_path) -> None:
    replay = load(write(tmp_path, TRADES, DEPTH))
    states = {
        0: (1, "99.00:1.000 98.00:2.000", "101.00:3.000"),
        1_000: (2, "98.00:2.000", "100.50:4.000 101.00:3.000"),
        2_999: (2, "98.00:2.000", "100.50:4.000 101.00:3.000"),
        3_000: (3, "98.50:5.000 98.00:2.000", "100.50:4.000 101.00:3.000"),
    }
    for after_start_ms in (*states, *reversed(states)):
        assert book_of(replay, after_start_ms) == states[after_start_ms]
    assert len(replay.book(BTC, START_MS + 3_000, 1).bids) == 1


EVENTS = st.lists(
    st.tuples(st.booleans(), st.dictionaries(st.integers(1, 19), st.integers(0, 5), max_size=6)), max_size=25
)


@settings(max_examples=40, deadline=None)
@given(EVENTS, st.lists(st.integers(0, 26), min_size=1, max_size=12))
def test_a_recorded_book_is_the_same_by_whatever_way_it_is_reached(events, asked) -> None:
    """Level 0 and level 20 never leave, so that no event empties a side."""
    levels: dict[int, int] = {}
    lines, states = [], []
    for number, (is_snapshot, changes) in enumerate([(True, {}), *events]):
        if is_snapshot:
            levels = {}
            changes = {ticks: steps for ticks, steps in changes.items() if steps}
        for ticks, steps in {0: 1, 20: 1, **changes}.items():
            kind, side = "snapshot" if is_snapshot else "diff", "bid" if ticks < 10 else "ask"
            lines.append(f"{number},{kind},{side},{ticks + 100},{steps}")
            levels[ticks] = steps
        levels = {ticks: steps for ticks, steps in sorted(levels.items()) if steps}
        states.append(dict(levels))
    with fresh_folder() as folder:
        replay = load(write(folder, TRADES_HEADER + "0,100,1,1\n", DEPTH_HEADER + "\n".join(lines)))
    for after_ms in asked:
        book = replay.book(BTC, START_MS + after_ms)
        shown = {int(level.price_quote) - 100: int(level.quantity_base) for level in (*book.bids[::-1], *book.asks)}
        assert list(shown.items()) == list(states[min(after_ms, len(events))].items())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 6_000), st.integers(0, 2**63))
def test_without_depth_the_book_stands_at_the_last_print(after_ms, seed) -> None:
    with fresh_folder() as folder:
        replay, other = (load(write(folder, spread_bps=5), seed=seed) for _ in range(2))
    book, last = replay.book(BTC, START_MS + after_ms), replay.last_print(BTC, START_MS + after_ms)
    best_bid, best_ask = book.bids[0].price_quote, book.asks[0].price_quote
    assert last.price_quote == (best_bid if last.buyer_is_maker else best_ask)
    assert best_ask - best_bid == Decimal("0.05")
    assert all(better.price_quote > worse.price_quote for better, worse in pairwise(book.bids))
    assert other.book(BTC, START_MS + after_ms) == book


def test_a_drawn_book_at_one_tick_keeps_a_bid(tmp_path) -> None:
    book = load(write(tmp_path, TRADES_HEADER + "0,0.01,1,false\n")).book(BTC, START_MS)
    assert (book.bids[0].price_quote, book.asks[0].price_quote) == (Decimal("0.01"), Decimal("0.02"))


def test_several_markets_keep_their_common_time(tmp_path) -> None:
    (tmp_path / "eth.csv").write_text(TRADES_HEADER + "3000,50,1,1\n7000,51,1,1\n", encoding="utf-8")
    write(tmp_path, TRADES, DEPTH_HEADER + SNAPSHOT.replace("4000", "6000"))
    markets = json.loads((tmp_path / "markets.json").read_text(encoding="utf-8"))
    markets[ETH] = {**BITCOIN, "base": "ETH", "trades": "eth.csv"}
    (tmp_path / "markets.json").write_text(json.dumps(markets), encoding="utf-8")
    replay = load(tmp_path, skip_seconds=1)
    assert replay.origin_ms == START_MS - 1_000
    assert [replay.visible(market_id, replay.origin_ms) for market_id in (BTC, ETH)] == [3, 1]
    assert replay.last_print(ETH, START_MS).time_ms == START_MS
    assert len(replay.candles(ETH, "1s", START_MS, 100)) == 5


BAD_TRADES = [
    ("", "trades.csv: is empty; the first row must name the columns"),
    (TRADES_HEADER, "trades.csv, line 1: has no trades"),
    ("time_ms,price,quantity\n1,2,3\n", "line 1: lacks the column buyer_is_maker: the columns are time_ms,price,"),
    (TRADES_HEADER.replace("\n", ",id\n"), "line 1: has the column 'id' too much"),
    ("1,2,3,4,5\n", "line 1: lacks the column time_ms"),
    (TRADES_HEADER + "1,2,3,1\n\n1,2,3\n", "line 4: has 3 columns; it must have 4"),
    (TRADES_HEADER + "1,abc,3,1\n", "line 2: price 'abc' must be a number such as 0.01"),
    (TRADES_HEADER + "1,NaN,3,1\n", "price 'NaN' must be a number"),
    (TRADES_HEADER + "1,2,1e99,1\n", "quantity 1e99 is too large"),
    (TRADES_HEADER + "1,2.005,3,1\n", "line 2: price 2.005 must be a multiple of tick_quote 0.01"),
    (TRADES_HEADER + "1,2,0.0001,1\n", "quantity 0.0001 must be a multiple of step_base 0.001"),
    (TRADES_HEADER + "1,0,3,1\n", "price 0 must be above 0"),
    (TRADES_HEADER + "1,2,-3,1\n", "quantity -3 must be above 0"),
    (TRADES_HEADER + "1,2,3,maybe\n", "buyer_is_maker 'maybe' must be true, false, 1 or 0"),
    (TRADES_HEADER + "1.5,2,3,1\n", "time '1.5' must be a whole number of milliseconds"),
    (TRADES_HEADER + "1735689600010866,2,3,1\n", "time 1735689600010866 is too large; it must be in milliseconds"),
    (TRADES_HEADER + "2,2,3,1\n1,2,3,1\n", "line 3: time 1 ms is before 2 ms of the row above"),
    (TRADES_HEADER + '1,"2,3,1\n', "it cannot be read as CSV in UTF-8"),
    (b"\xff\xfe\x00", "it cannot be read as CSV in UTF-8"),
    (TRADES_HEADER + "1,1000000,1000000000000000.001,1\n", "quantity 1000000000000000.001 is too large; it must be at"),
]


@pytest.mark.parametrize(("trades", "problem"), BAD_TRADES)
def test_bad_trades_are_refused_with_the_row_and_what_would_be_right(tmp_path, trades, problem) -> None:
    with pytest.raises(ReplayError) as refusal:
        load(write(tmp_path, trades))
    assert problem in str(refusal.value)


BAD_DEPTHS = [
    (DEPTH_HEADER, "depth.csv, line 1: has no rows; it must begin with a snapshot"),
    (DEPTH_HEADER + "1,diff,bid,99,1\n1,diff,ask,100,1\n", "line 2: a diff before any snapshot"),
    (DEPTH_HEADER + "1,snapshot,bid,99,1\n", "line 2: leaves the book without asks"),
    (DEPTH_HEADER + SNAPSHOT + "5000,diff,ask,101,0\n5001,diff,ask,102,1\n", "line 5: leaves the book without asks"),
    (
        DEPTH_HEADER + SNAPSHOT + "5000,diff,bid,101,1\n",
        "line 5: crosses the book: after this event the best bid 101.00",
    ),
    (DEPTH_HEADER + "1,snapshot,bid,99,0\n", "quantity 0 must be above 0"),
    (DEPTH_HEADER + SNAPSHOT + "5000,diff,bid,99,-1\n", "line 5: quantity -1 must be at least 0"),
    (DEPTH_HEADER + "1,update,bid,99,1\n", "kind 'update' must be snapshot or diff"),
    (DEPTH_HEADER + "1,snapshot,buy,99,1\n", "side 'buy' must be bid or ask"),
    (DEPTH_HEADER + SNAPSHOT.replace("4000", "99999"), "its last trade, at 9999 ms, is before 99999 ms"),
]


@pytest.mark.parametrize(("depth", "problem"), BAD_DEPTHS)
def test_bad_depth_is_refused_with_the_row_and_what_would_be_right(tmp_path, depth, problem) -> None:
    with pytest.raises(ReplayError) as refusal:
        load(write(tmp_path, TRADES, depth))
    assert problem in str(refusal.value)


BAD_FIELDS = [
    ({"colour": 1}, "'BTCUSDT': unknown key 'colour'; the known ones are base, quote,"),
    ({"base": "btc"}, "base must be 1 to 10 letters from A to Z or digits, not 'btc'"),
    ({"base": "ETH"}, "'BTCUSDT': must be named ETHUSDT, after its base and quote"),
    ({"tick_quote": "a cent"}, "tick_quote must be a number from 0 to 1000000000000, such as 0.01, not 'a cent'"),
    ({"step_base": 0}, "BTCUSDT: step_base must be above 0"),
    ({"tick_quote": "1e-19"}, "BTCUSDT: tick_quote must have at most 18 decimals"),
    ({"tick_quote": "1e-14"}, "price 100.00 is too large; it must be at most 10"),
    ({"maximum_price_quote": 100}, "price 100.02 is above the market's maximum_price_quote 100"),
    ({"tick_quote": 1e12, "step_base": 1e12}, "tick_quote and step_base are too far apart or too large"),
    ({"refill_per_second": 2}, "refill_per_second must be above 0 and at most 1"),
    ({"trades": 7.5}, "7.5: must be a CSV or Parquet file"),
    ({"trades": ["a.csv"]}, "trades must be a text, not ['a.csv']"),
    ({"trades": "absent.csv"}, "absent.csv: cannot be read"),
    ({"trades": "nul\0.csv"}, "it cannot be read as CSV in UTF-8: "),
]


@pytest.mark.parametrize(("fields", "problem"), BAD_FIELDS)
def test_a_bad_manifest_entry_is_refused_by_name(tmp_path, fields, problem) -> None:
    with pytest.raises(ReplayError) as refusal:
        load(write(tmp_path, **fields))
    assert problem in str(refusal.value)


@pytest.mark.parametrize(
    "manifest", ["", "[]", "{}", "{", '{"BTCUSDT": 1}', '{"BTCUSDT": {}}', "[" * 100_000, "\udcff"]
)
def test_a_manifest_that_is_none_is_refused(tmp_path, manifest) -> None:
    (tmp_path / "markets.json").write_bytes(manifest.encode(errors="surrogateescape"))
    with pytest.raises(ReplayError, match=r"markets\.json"):
        load(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path) -> None:
    with pytest.raises(ReplayError, match=r"markets\.json: cannot be read"):
        load(tmp_path)


def test_a_skip_past_the_end_is_refused(tmp_path) -> None:
    with pytest.raises(ReplayError, match="skipping 5 seconds leaves nothing: it must be at most 4"):
        load(write(tmp_path), skip_seconds=5)


def test_a_start_before_the_epoch_is_refused(tmp_path) -> None:
    with pytest.raises(ValueError, match="start time must leave the history of BTCUSDT"):
        load_replay(write(tmp_path), 1, 7, skip_seconds=4)


CELLS = st.sampled_from(["0", "1", "2", "100", "5000", "0.01", "-1", "1e5", "", '"', "true", "diff", "snapshot", "bid",
                         "ask", "\r", "\0", "é", "9" * 30])  # fmt: skip
ROWS = st.lists(st.lists(CELLS, max_size=8).map(",".join), max_size=6).map("\n".join)
TRADE_FILES = st.one_of(st.binary(max_size=60), ROWS.map(str.encode), ROWS.map(lambda rows: (TRADES + rows).encode()))
DEPTH_FILES = st.one_of(st.none(), st.binary(max_size=60), ROWS.map(lambda rows: (DEPTH + rows).encode()))


@settings(max_examples=200, deadline=None)
@given(TRADE_FILES, DEPTH_FILES)
@example(TRADES.encode(), DEPTH.encode())  # is played
def test_whatever_the_files_hold_it_is_refused_or_played(trades, depth) -> None:
    with fresh_folder() as folder:
        write(folder, trades, depth)
        try:
            replay = load(folder)
        except ReplayError as refusal:
            assert "\n" not in str(refusal)
            return
    book = replay.book(BTC, START_MS)
    assert book.bids[0].price_quote < book.asks[0].price_quote
    assert replay.day_statistics(BTC, replay.end_ms).last == replay.last_print(BTC, replay.end_ms)


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["1e-9", "5"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)
KEYS = st.one_of(st.sampled_from([*BITCOIN, "maximum_price_quote", "spread_bps", "level_median_quote"]), st.text())


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=3))
@example({})  # is played
def test_whatever_the_manifest_holds_it_is_refused_or_played(fields) -> None:
    with fresh_folder() as folder:
        try:
            replay = load(write(folder, **fields))
        except ReplayError:
            return
    assert replay.book(BTC, START_MS).bids


def test_parquet_is_read_like_csv(tmp_path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    from_csv = load(write(tmp_path, TRADES, DEPTH))
    trades = {
        "price": [100.0, 100.02, 100.01, 99.99],
        "buyer_is_maker": [True, False, True, False],
        "quantity": [Decimal("1.000"), Decimal("0.500"), Decimal("2.125"), Decimal("0.001")],
        "time_ms": [5_000, 5_250, 5_250, 9_999],
    }
    depth = [line.split(",") for line in DEPTH.split()]
    columns = dict(zip(depth[0], map(list, zip(*depth[1:], strict=True)), strict=True))
    parquet.write_table(arrow.table(trades), tmp_path / "trades.parquet")
    parquet.write_table(arrow.table(columns), tmp_path / "depth.parquet")
    write(tmp_path, trades="trades.parquet", depth="depth.parquet")
    from_parquet = load(tmp_path)
    for now_ms in (START_MS, START_MS + 1_000, from_csv.end_ms):
        assert from_parquet.book(BTC, now_ms) == from_csv.book(BTC, now_ms)
        assert from_parquet.newest_prints(BTC, now_ms, 9) == from_csv.newest_prints(BTC, now_ms, 9)


def test_a_bad_parquet_row_is_named(tmp_path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    trades = {"time_ms": [1, 2], "price": [1.0, None], "quantity": [1, 1], "buyer_is_maker": [True, True]}
    parquet.write_table(arrow.table(trades), tmp_path / "trades.parquet")
    with pytest.raises(ReplayError, match=r"trades\.parquet, row 2: price '' must be a number"):
        load(write(tmp_path, trades="trades.parquet"))


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=80), st.sampled_from([b"", b"PAR1"]))
def test_whatever_a_parquet_file_holds_it_is_refused(content, mark) -> None:
    pytest.importorskip("pyarrow")
    with fresh_folder() as folder, pytest.raises(ReplayError):
        (folder / "trades.parquet").write_bytes(mark + content + mark)
        load(write(folder, trades="trades.parquet"))


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(ReplayError) as refusal:
        load(write(tmp_path, trades="trades.parquet"))
    expected = 'reading trades.parquet needs the extra: pip install "octobot-volume-booster[replay]"'
    assert str(refusal.value) == expected
