"""Cron expressions: checking, the next time, and the English description."""

import datetime
import functools
import zoneinfo

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_MONTH_NAMES = ("January", "February", "March", "April", "May", "June", "July", "August",
                "September", "October", "November", "December")
_DAY_NAMES = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class CronError(Exception):
    """The expression is refused; the text completes "Invalid cron expression: "."""


class CronCrash(Exception):
    """The expression passes the checks and then breaks the description (a 500 answer)."""


def _number(text, names, low, high):
    upper = text.upper()
    if upper in names:
        return names.index(upper) + (1 if names is _MONTHS else 0)
    if not text.isdigit():
        raise CronError("Invalid characters, got value: " + text)
    value = int(text)
    if not low <= value <= high:
        raise CronError(
            "Constraint error, got value %s expected range %d-%d" % (text, low, high))
    return value


def _field(text, position):
    """Return the set of values of one field; -1 in a day field stands for the last day."""
    low, high = _RANGES[position]
    names = _MONTHS if position == 3 else _DAYS if position == 4 else ()
    values = set()
    for part in text.split(","):
        span, slash, step_text = part.partition("/")
        step = 1
        if slash:
            if not step_text.isdigit() or int(step_text) == 0:
                raise CronError("Constraint error, cannot repeat at every %s time." % step_text)
            step = int(step_text)
        if span == "*" or span == "?":
            first, last = low, high
        elif span.upper() == "L" and position == 2:
            values.add(-1)
            continue
        elif "-" in span:
            first_text, _, last_text = span.partition("-")
            first = _number(first_text, names, low, high)
            last = _number(last_text, names, low, high)
            if first > last:
                raise CronError("Invalid range: " + span)
        else:
            first = _number(span, names, low, high)
            last = high if slash else first
        values.update(range(first, last + 1, step))
    if position == 4 and 7 in values:
        values.discard(7)
        values.add(0)
    return frozenset(values)


@functools.lru_cache(maxsize=4096)
def parse(expression):
    """Check an expression and return its five value sets; raises CronError or CronCrash."""
    parts = expression.split(" ")
    if len(parts) > 5:
        raise CronError("CRON expressions with seconds are not allowed")
    if len(parts) < 5:
        if not expression.startswith("@"):
            # missing fields are the leading ones; only then does the description fail
            for position, part in enumerate(parts, 5 - len(parts)):
                _field(part, position)
        raise CronCrash(expression)
    fields = tuple(_field(part, position) for position, part in enumerate(parts))
    if parts[2] != "*" and parts[3] != "*":
        longest = max(_LONGEST_MONTH[month - 1] for month in fields[3])
        if -1 not in fields[2] and min(fields[2]) > longest:
            raise CronError("Invalid explicit day of month definition")
    return fields


@functools.lru_cache(maxsize=1024)
def _zone(name):
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.timezone.utc


def next_run(expression, timezone, after_ms):
    """Return the first matching instant after `after_ms`, in ms."""
    minutes, hours, days, months, weekdays = parse(expression)
    parts = expression.split(" ")
    any_day, any_weekday = parts[2] in "*?", parts[4] in "*?"
    zone = _zone(timezone)
    start = datetime.datetime.fromtimestamp(after_ms / 1000, zone).replace(
        second=0, microsecond=0, tzinfo=None) + datetime.timedelta(minutes=1)
    day = start.date()
    for _ in range(366 * 9):
        last = (day.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) \
            - datetime.timedelta(days=1)
        by_day = day.day in days or (-1 in days and day == last)
        by_weekday = (day.isoweekday() % 7) in weekdays
        wanted = (by_day and by_weekday) if any_day or any_weekday else (by_day or by_weekday)
        if wanted and day.month in months:
            for hour in sorted(hours):
                for minute in sorted(minutes):
                    moment = datetime.datetime(day.year, day.month, day.day, hour, minute)
                    if moment >= start:
                        ms = int(moment.replace(tzinfo=zone).timestamp() * 1000)
                        if ms > after_ms:
                            return ms
        day += datetime.timedelta(days=1)
    return None


def _clock(hour, minute):
    return "%02d:%02d %s" % (hour % 12 or 12, minute, "AM" if hour < 12 else "PM")


def _weekday_phrase(text):
    if "-" in text:
        first, last = (_DAY_NAMES[_number(part, _DAYS, 0, 7) % 7] for part in text.split("-"))
        return ", %s through %s" % (first, last)
    days = [_DAY_NAMES[_number(part, _DAYS, 0, 7) % 7] for part in text.split(",")]
    return ", only on " + _join(days)


def _join(words):
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


@functools.lru_cache(maxsize=4096)
def describe(expression):
    """Return the English description for the usual forms; other forms get a plain sentence."""
    parse(expression)
    minute, hour, day, month, weekday = expression.split(" ")
    if minute.isdigit() and hour.isdigit():
        text = "At " + _clock(int(hour), int(minute))
    elif minute.isdigit() and hour == "*":
        text = "Every hour" if minute == "0" else (
            "At %d minutes past the hour" % int(minute) if minute != "1"
            else "At 1 minute past the hour")
    elif minute.startswith("*/") and hour == "*":
        step = int(minute[2:])
        text = "Every minute" if step == 1 else "Every %d minutes" % step
    elif minute == "*" and hour == "*":
        text = "Every minute"
    else:
        text = "At minutes %s of hours %s" % (minute, hour)
    if day.upper() == "L":
        text += ", on the last day of the month"
    elif day not in "*?":
        text += ", on day %s of the month" % _join(day.split(","))
    if weekday not in "*?":
        simple = "/" not in weekday
        text += _weekday_phrase(weekday) if simple else ", on weekdays " + weekday
    if month != "*":
        simple = "/" not in month and "-" not in month
        text += ", only in " + (_join([
            _MONTH_NAMES[_number(part, _MONTHS, 1, 12) - 1] for part in month.split(",")])
            if simple else month)
    return text
