"""Every unit of date_trunc() and extract() in zones with odd clocks.

Zones without a midnight on some days (Sao_Paulo, Asuncion, Beirut, Cairo), with changes of half
an hour (Lord_Howe), of two hours (Troll), with quarters or seconds in their offset (Kathmandu,
Monrovia), across the date line (Apia, Kwajalein), and with two midnights (Havana).
"""
from generator import Query
from setup import quote

ZONES = ("UTC", "Europe/Paris", "Europe/Dublin", "America/New_York", "America/Sao_Paulo",
         "America/Asuncion", "America/Havana", "America/Caracas", "Asia/Kolkata", "Asia/Kathmandu",
         "Asia/Beirut", "Africa/Cairo", "Africa/Casablanca", "Africa/Monrovia", "Pacific/Apia",
         "Pacific/Kwajalein", "Australia/Lord_Howe", "Antarctica/Troll")
COLUMNS = ("triggered_at", "delay_until", "completed_at")
UNITS = ("second", "minute", "hour", "day", "week", "month", "quarter", "year")
FIELDS = ("year", "quarter", "month", "day", "hour", "minute", "doy", "dow", "isodow", "week",
          "isoyear")


def _groups(expressions):
    numbers = ", ".join(str(n + 1) for n in range(len(expressions)))
    return Query(f"SELECT {', '.join(expressions)}, count(*) FROM {{t}} GROUP BY {numbers}")


def run(differential, foreign="trql.runs"):
    """(number of queries, number of them that failed)"""
    cases = []
    for zone in ZONES:
        session = [f"TimeZone = {quote(zone)}"]
        for column in COLUMNS:
            cases += [
                (_groups([f"date_trunc('{unit}', {column}, {quote(zone)})" for unit in UNITS]), []),
                (_groups([f"date_trunc('{unit}', {column})" for unit in UNITS]), session),
                (_groups([f"extract({field} FROM {column})" for field in FIELDS]), session)]
    failed = pushed = 0
    for query, settings in cases:
        problem, got, expected = differential.compared(query, foreign, settings)
        pushed += "GROUP BY" in str(differential.emulator.records())
        if problem:
            failed += 1
            print(differential.report(f"zones: {problem}", query, foreign, settings, got,
                                      expected), flush=True)
    print(f"zones: {pushed} of {len(cases)} queries grouped by the engine")
    if not differential.stand_in and pushed < len(cases) / 2:
        failed += 1
        print("--- too few")
    return len(cases), failed
