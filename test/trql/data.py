"""Runs that are hard to count: what the query tables are filled with beside the data set.

All are functions of a seed. The clock of the data stands still at NOW.
"""
import calendar
import random
import time

NOW = 1795500000000         # 2026-11-24 07:20:00 UTC
MINUTE = 60000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

STATUSES = (
    "DELAYED", "PENDING", "PENDING_VERSION", "WAITING_FOR_DEPLOY", "DEQUEUED", "EXECUTING",
    "WAITING_TO_RESUME", "RETRYING_AFTER_FAILURE", "PAUSED", "CANCELED", "INTERRUPTED",
    "COMPLETED_SUCCESSFULLY", "COMPLETED_WITH_ERRORS", "SYSTEM_FAILURE", "CRASHED", "EXPIRED",
    "TIMED_OUT")
# what a text column can hold that a translation could get wrong
TEXTS = (
    "", " ", "a", "A", "b", "B", "Z", "z", "_", "%", "a_b", "a%b", "axb", "100%", "a,b", "it's",
    "''", 'quote"d', "\\", "\\\\", "a\\", "\\n", "c:\\new\\table", "\\N", "\n", "\t", "a\nb",
    "\u0001", "\u007f", "NULL", "null", "{}", "{tsql_val_0: String}", "${x}", "?", "--", "/*",
    "ü", "Ü", "Ünïcode", "ÜNÏCODE", "ünïcode", "ß", "SS", "İ", "ı", "I", "i", "Σ", "σ", "ς",
    "e\u0301", "é", "日本", "日", "😀", "😀b", "\uffff", "\u2028", "pad ", " pad", "x" * 2000,
    "batch_", "run_", "0", "00", "1e3", "true", "2026-01-01", "~", "|", "a|b", ",", "a,", ";")
TAGS = ((), ("a",), ("a", "b"), ("b",), ("",), ("", "a"), ("a,b",), ("A",), ("NULL",),
        ("ü", "日本"), ('q"', "b\\"), ("it's",), ("{}", "{a}"), ("a", "a"), ("%",), ("_",), (" ",),
        tuple(f"t{n}" for n in range(10)))
# doubles that have to come through as they are; their sum has no large parts that cancel out
COSTS = (0, 0.1, 0.2, 0.30000000000000004, 0.1 + 0.7, 1 / 3, -0.0, -0.01, 1e-7, 1e-9, 12.5, 100,
         0.005, 0.015, 0.025, 2.5, 3.5, 1e12, 123456789.12345679, 5e-324, 99.99, 0.0025, 1, 50,
         150, 250, 350)
JSON_TEXTS = (None, "null", "{}", "[]", '""', "0", "true", '{"a":1}',
              '{"a":{"b":"x"},"c":[1,null]}', '{"a":18446744073709551616}',
              "-0.12345678901234567890123", '{"a":"it\'s \\\\ \\u00fc"}')


def at(*parts):
    """Milliseconds of a moment in UTC: year, month, day, hour, minute, second."""
    return calendar.timegm((*parts, *(0,) * (6 - len(parts)))) * 1000


def moments():
    """Moments at which something changes somewhere."""
    edges = [
        at(1970, 1, 1, 5), at(1970, 1, 4), at(1976, 3, 28, 0), at(1999, 12, 31, 23),
        at(2000, 1, 1), at(2000, 2, 29, 12), at(2018, 11, 4, 3),        # Sao Paulo: no midnight
        at(2021, 1, 3, 23), at(2024, 2, 29), at(2024, 12, 30),
        at(2026, 1, 1), at(2026, 3, 8, 7), at(2026, 3, 29, 1), at(2026, 4, 4, 15),
        at(2026, 6, 30, 22), at(2026, 7, 1), at(2026, 9, 30, 18, 30),
        at(2026, 10, 25, 0), at(2026, 10, 25, 1), at(2026, 11, 1, 5), at(2026, 11, 1, 6),
        at(2026, 11, 16), at(2026, 11, 22, 23), at(2026, 11, 23),
        at(2027, 1, 1), at(2029, 12, 31, 23), at(2030, 6, 15, 12, 30)]
    found = [1, 999, at(1970, 1, 1, 0, 59, 59) + 999]
    for edge in edges:
        found += [edge - 1, edge, edge + 30 * MINUTE]
    return found


def runs(seed, recent=False):
    """Partial runs to insert; `recent` ones are younger than a month."""
    rng = random.Random(f"query rows {seed}")
    if recent:
        times = [NOW - n * 7 * HOUR - n * n * 1013 for n in range(90)] \
            + [when for when in moments() if NOW - 29 * DAY < when <= NOW]
    else:
        times = moments() + [NOW - n * 3 * DAY for n in range(40)] \
            + [at(2026, 10, 25, 0, 30)] * 30
    return [_run(rng, number, when) for number, when in enumerate(times)]


def _maybe(rng, share, value):
    return value if rng.random() < share else None


def _run(rng, number, created):
    text = rng.choice(TEXTS)
    started = _maybe(rng, 0.8, created + rng.choice((0, 1, 999, 1500, 60000, 86400000)))
    # a clock that goes back makes negative durations
    completed = None if started is None else _maybe(
        rng, 0.8, started + rng.choice((-1500, -1, 0, 1, 2, 3, 1000, 1001, 3600000, 10**10)))
    if rng.random() < 0.08:
        completed = rng.choice((at(2105, 1, 1), at(2150, 5, 5), at(2299, 12, 31)))
    parent = f"run_parent{number % 5}"
    child = rng.random() < 0.3
    return {
        "id": f"run_q{number:05d}x{created % 1000:03d}", "created_at": created,
        "status": STATUSES[number % len(STATUSES)],
        "task": text if rng.random() < 0.7 else rng.choice(("send-email", "process-order")),
        "version": rng.choice((None, "20260101.1", "20260101.2", rng.choice(TEXTS) or None)),
        "started_at": started, "completed_at": completed,
        "queued_at": _maybe(rng, 0.5, created + rng.choice((0, 5, -5, 100000))),
        "executed_at": None if started is None else started + rng.choice((0, 35, -35)),
        "delayed_until": _maybe(rng, 0.3, rng.choice((
            created + DAY, at(2038, 1, 19, 3, 14, 8), at(2106, 2, 7, 6, 28, 16), at(2150, 1, 1),
            at(1970, 1, 1), at(1969, 12, 31, 23, 30), at(1950, 6, 1)))),
        "expired_at": _maybe(rng, 0.2, created + 600000),
        "ttl": rng.choice((None, "10m", "1h", "")), "is_test": rng.random() < 0.4,
        "tags": rng.choice(TAGS), "cost_in_cents": rng.choice(COSTS),
        "base_cost_in_cents": rng.choice((0, 0.0025, rng.choice(COSTS))),
        "duration_ms": rng.choice((0, 1, 2, 3, 5, 10, 999, 86400000, 2**31 - 1, 2**31, 2**32 - 1)),
        "depth": rng.choice((0, 0, 1, 2, 127, 128, 255)), "attempt_count": rng.choice(
            (0, 1, 1, 2, 3, 200, 255)),
        "region": rng.choice((None, "us-east-1", "eu-central-1", "cmregion", rng.choice(TEXTS))),
        "idempotency_key": rng.choice((None, rng.choice(TEXTS))),
        "queue": rng.choice((None, "email-queue", rng.choice(TEXTS) or None)),
        "machine": rng.choice(("micro", "small-1x", "large-2x", None)),
        "batch_id": rng.choice((None, None, "batch_one", "batch_batch_one", "batch_two")),
        "bulk_action_ids": rng.choice(((), (), ("bulk_a",), ("bulk_a", "bulk_bulk_b"))),
        "output_text": rng.choice(JSON_TEXTS), "error_text": rng.choice(JSON_TEXTS),
        "root_id": parent if child else None, "parent_id": parent if child else None,
        "is_warm_start": rng.choice((None, True, False)),
        "idempotency_key_scope": rng.choice((None, "global", "attempt")),
        "concurrency_key": rng.choice((None, rng.choice(TEXTS))),
        "max_duration": rng.choice((None, 300, 5, 2**32 - 1)),
    }


def others(seed):
    """Rows of other tables: table -> rows, with all columns but environment and project."""
    rng = random.Random(f"other rows {seed}")
    decimals = ("0", "0.000000000001", "-0.000000000001", "-0.5", "0.1", "0.1", "1.5",
                "123456.123456789012", "644461.693100611747", "999999.999999999999",
                "-999999.999999999999")
    counts = ("0", "1", "2", "3", "1000", str(2**53), str(2**53 + 1), str(2**63 - 1), str(2**63),
              str(2**64 - 1))
    # what JSON has no numbers for
    floats = (*COSTS, "nan", "nan", "inf", "-inf")
    texts = ("", "a", "A", "gpt-4", "it's", "\\", "ü", "%", "a_b", "日本")
    costs = ("input_cost", "output_cost", "total_cost", "cached_read_cost",
             "cache_creation_cost", "provider_cost")
    llm = []
    for n in range(60):
        row = {name: rng.choice(texts) for name in (
            "trace_id", "task_identifier", "gen_ai_system", "request_model", "response_model",
            "operation_id", "finish_reason", "cost_source", "pricing_tier_name", "prompt_slug")}
        row.update((name, rng.choice(counts)) for name in (
            "input_tokens", "output_tokens", "total_tokens", "cached_read_tokens",
            "cache_creation_tokens", "reasoning_tokens", "duration"))
        row.update((name, rng.choice(decimals)) for name in costs)
        moment = text(NOW - n * 11 * HOUR - rng.choice((0, 1, 999)))
        llm.append({
            **row, "run_id": f"run_{n % 7}", "span_id": f"span_{n}",
            "ms_to_first_chunk": rng.choice(floats), "tokens_per_second": rng.choice(floats),
            "start_time": moment + rng.choice(("000000", "000001", "123456", "999999")),
            "prompt_version": rng.choice((0, 1, 2**32 - 1)),
            "metadata": rng.choice(({}, {"a": "b"}, {"a": "", "ü": "it's"}))})
    metrics = [{
        "metric_name": rng.choice(texts), "metric_type": rng.choice(("gauge", "sum", "histogram")),
        "machine_id": f"machine_{n}", "bucket_start": text(NOW - n // 2 * 10 * MINUTE)[:19],
        "metric_value": rng.choice(floats),
        "attributes": rng.choice(({"a": "x"}, {"a": {"b": "y"}})),
        "run_id": rng.choice(("", "run_1", "run_2")), "task_identifier": rng.choice(texts),
        "attempt_number": rng.choice(counts), "machine_name": rng.choice(("", "micro")),
        "environment_type": "PRODUCTION", "worker_id": rng.choice(texts),
        "worker_version": rng.choice(texts)} for n in range(60)]
    return {"llm_metrics": llm, "metrics": metrics}


def text(ms):
    """A moment as the engine writes it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03d}"
