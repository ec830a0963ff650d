"""Random tokens to be made: an SQL call and the same call of the official client."""
import datetime
import json

import _path  # noqa: F401  (the harness)
from emulator_process import credentials
from setup import quote

KEYS = (
    (credentials.TR_PROD, None), (credentials.TR_STG, None), (credentials.TR_DEV, None),
    (credentials.TR_PREVIEW, credentials.BRANCH_FEATURE),
    (credentials.TR_PREVIEW, credentials.BRANCH_FIX), (credentials.TR_BETA_PROD, None),
    (credentials.TR_PROD_SK, None), (credentials.TR_PROD_SK, None),
)
ACTIONS = ("read", "write", "trigger", "batchTrigger", "admin", "*", "é", 'a"b', "7", "10", "x y")
KINDS = ("runs", "tasks", "tags", "batch", "waitpoints", "inputStreams", "sessions", "deployments",
         "queues", "envvars", "apiKeys", "branches", "query", "errors", "all", "12", "3", "ключ",
         "back\\slash")
PIECES = ("run_1234", "a", "user:42", ":", "::", " ", '"', "\\", "/", "\n", "\t", "\r", "\b", "\f",
          "\x01", "\x1f", "\x7f", "é", "ß", "日本", "🦊", "\u2028", "\u2029", "\ufeff", "\u0085",
          "\xa0", "</script>", "'", "%s", "\\u0041", "0", "-")
BLANK = ("", " ", "\t\n", "\xa0\u2028\ufeff", "\u3000")
UNITS = ("s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes",
         "h", "hr", "hrs", "hour", "hours", "d", "day", "days", "w", "week", "weeks",
         "y", "yr", "yrs", "year", "years")
COLUMNS = ("payload", "output", "metadata", "createdAt", 'odd"\\\u2028é')


class Case:
    """`sql` makes a token; `method`, `argument` and `options` are the client's."""

    def __init__(self, function, method, sql_argument, argument):
        self.function = function
        self.method = method
        self.sql_argument = sql_argument    # SQL text
        self.argument = argument            # a value; None: the text that PostgreSQL shows
        self.options = {}
        self.named = []                     # further arguments, "name => value"
        self.key, self.branch = KEYS[0]
        self.expiry = None                  # as text, if there is one
        self.kind = "none"
        self.sessions = False

    def sql(self):
        arguments = ", ".join(["'minter'", self.sql_argument, *self.named])
        return f"SELECT {self.function}({arguments})"

    def __str__(self):
        return f"{self.sql()} | {self.key[:11]}... {self.branch or ''}"


def text(rng):
    """An id; rarely a blank one, which both sides refuse."""
    if rng.random() < 0.003:
        return rng.choice(BLANK)
    made = "".join(rng.choice(PIECES) for _ in range(rng.choice((1, 1, 2, 3, 6))))
    return made if made.strip(" \t\n\r\f\xa0\u2028\u2029\ufeff") else made + "x"


def value(rng):
    """What a kind of things can have in scopes."""
    roll = rng.random()
    if roll < 0.3:
        return text(rng)
    if roll < 0.65:
        return [text(rng) for _ in range(rng.choice((0, 1, 1, 2, 3, 5)))]
    if roll < 0.66:
        # the client throws a TypeError
        return [text(rng), rng.choice((1, None, True, {}, ["x"]))]
    return rng.choice((True, True, True, False, None))


def scopes(rng):
    """Scopes in the client's nested form."""
    made = {}
    for action in rng.sample(ACTIONS, rng.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        if rng.random() < 0.12:
            made[action] = rng.choice((True, False, None, {}))
        else:
            made[action] = {kind: value(rng)
                            for kind in rng.sample(KINDS, rng.choice((1, 1, 2, 3, 6)))}
    return made


def names_session(made):
    """Does a scope say "sessions"?"""
    return any(isinstance(kinds, dict) and kinds.get("sessions") not in (None, False, [])
               for kinds in made.values())


def span(rng):
    """A time span of the grammar, or one with a fault."""
    number = rng.choice((str(rng.randint(0, 100)), f"{rng.random() * 50:.3f}",
                         f"{rng.randint(0, 9)}.5", "007", "00.50", str(rng.randint(1, 10 ** 6))))
    unit = rng.choice(UNITS)
    unit = rng.choice((unit, unit.upper(), unit.title()))
    sign = rng.choice(("", "", "", "", "", "+", "+ ", "-", " "))
    suffix = rng.choice(("", "", "", "", "", " from now", " From Now", " ago", " Ago"))
    made = sign + number + rng.choice(("", " ")) + unit + suffix
    if rng.random() < 0.2:
        at = rng.randint(0, len(made))
        made = made[:at] + rng.choice(list(" .+-smhdwye1")) + made[at + rng.randint(0, 1):]
    return made


def timestamp(rng, now):
    """A date as text, and its milliseconds since 1970."""
    ms = (now + rng.choice((rng.randint(120, 86400), rng.randint(86400, 86400 * 29),
                            rng.randint(86400 * 31, 86400 * 20000)))) * 1000 + rng.randint(0, 999)
    hours = rng.randint(-11, 12)
    zone = datetime.timezone(datetime.timedelta(hours=hours))
    when = datetime.datetime.fromtimestamp(ms // 1000, zone) \
        .replace(microsecond=ms % 1000 * 1000)
    short = f"{hours:+03d}"
    made = rng.choice((
        when.isoformat(), when.isoformat(" "), when.strftime("%Y-%m-%d %H:%M:%S.%f") + short,
        when.strftime("%b %d %Y %H:%M:%S.%f") + short, when.strftime("%Y%m%dT%H%M%S.%f") + short,
        when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        when.astimezone(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S.%f GMT"),
    ))
    return made, ms


def add_expiry(rng, case, now):
    """Say when the token expires, or not."""
    case.kind = rng.choice(("none", "span", "span", "span", "date", "seconds"))
    if case.kind == "span":
        case.expiry = span(rng)
        if case.expiry.isdigit():
            case.kind = "seconds"
        else:
            case.options["expirationTime"] = case.expiry
    elif case.kind == "date":
        case.expiry, ms = timestamp(rng, now)
        case.options["expirationTime"] = {"date": ms}
    elif case.kind == "seconds":
        case.expiry = str(now + rng.choice((rng.randint(60, 10 ** 6), rng.randint(-1000, -60),
                                            rng.randint(10 ** 7, 10 ** 10))))
    if case.kind == "seconds":
        case.options["expirationTime"] = int(case.expiry)
    if case.expiry is not None:
        case.named.append(f"expiration_time => {quote(case.expiry)}")
    elif case.sessions:
        # a deviation that is wanted: the client has 15 minutes for everything
        case.options["expirationTime"] = "1h"


def make(rng, now):
    """One case; "now" is in seconds."""
    roll = rng.random()
    if roll < 0.6:
        made = scopes(rng)
        case = Case("trigger_create_public_token", "createPublicToken",
                    quote(json.dumps(made)), None)
        case.sessions = names_session(made)
    else:
        batch = roll < 0.8
        tasks = [text(rng) for _ in range(rng.choice((0, 1, 1, 1, 2, 4)))]
        case = Case("trigger_create_batch_trigger_token" if batch
                    else "trigger_create_trigger_token",
                    "createBatchTriggerPublicToken" if batch else "createTriggerPublicToken",
                    f"ARRAY[{', '.join(map(quote, tasks))}]::text[]",
                    tasks[0] if len(tasks) == 1 and rng.random() < 0.5 else tasks)
        multiple = rng.choice((None, True, False))
        if multiple is not None:
            case.options["multipleUse"] = multiple
            case.named.append(f"multiple_use => {str(multiple).lower()}")
    case.key, case.branch = rng.choice(KEYS)
    add_expiry(rng, case, now)
    if rng.random() < 0.4:
        columns = rng.sample(COLUMNS, rng.randint(0, len(COLUMNS)))
        case.options["realtime"] = rng.choice(({"skipColumns": columns}, {}))
        case.named.append(f"realtime => {quote(json.dumps(case.options['realtime']))}")
    return case
