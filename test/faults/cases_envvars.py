"""Cases that write environment variables."""
import http.client
import json

from case import Case, Op
from emulator_process import credentials
from setup import quote

SLUGS = {"prod": "prod", "staging": "stg"}


def rival_request(emulator, method, path, body=None):
    """One request of another client; true if it did what it wanted."""
    connection = http.client.HTTPConnection("127.0.0.1", emulator.port, timeout=10)
    connection.request(
        method, f"/api/v1/projects/{credentials.PROJECT_ALPHA}/envvars/{path}",
        None if body is None else json.dumps(body),
        {"Authorization": "Bearer " + credentials.PAT, "User-Agent": "rival",
         "Content-Type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status == 200


class Variable:
    """A row of an INSERT, or a variable that exists before."""

    def __init__(self, name, value, secret, environment):
        self.name = name
        self.value = value
        self.secret = secret
        self.environment = environment

    def place(self):
        """Where the state has it."""
        return (SLUGS[self.environment], "envvars", self.name)

    def given(self):
        """What the control interface takes."""
        return {"name": self.name, "value": self.value, "isSecret": bool(self.secret),
                "environment": SLUGS[self.environment]}

    def is_in(self, state):
        """Is it there with just this value and secrecy?"""
        item = state.items.get(self.place())
        return bool(item) and item["_"]["value"] == self.value \
            and item["isSecret"] == bool(self.secret)


class Envvars(Case):
    """Base: some variables exist, some of them elsewhere only."""

    def variables(self, count, prefix):
        """New ones with values that need care."""
        rng = self.rng
        return [Variable(f"{prefix}{self.tag}_{number}".upper(),
                         rng.choice((f"v{number}-{self.tag}", f" ün\"ï\n{self.tag}{number}")),
                         rng.choice(self.secrecies), rng.choice(self.environments))
                for number in range(count)]

    def choose_server(self):
        """Secret key (one environment) or personal access token (two of them)."""
        self.server = self.rng.choice("ffg")
        self.environments = ("prod",) if self.server == "f" else ("prod", "staging")

    def prepare(self, emulator):
        existing = [variable.given() for variable in self.before]
        if existing:
            emulator.control("POST", "/envvars", existing)


class InsertEnvvars(Envvars):
    """INSERT of one or many, with names that exist here or elsewhere."""

    name = "envvars INSERT"
    writes = (("POST", "/import$"),)
    rival = "writes a variable of the same name"

    def build(self):
        rng = self.rng
        self.choose_server()
        self.secrecies = rng.choice(((None,), (None, True, False), (True, None), (True, False)))
        count = rng.choice((1, 2, 3, 5, 8))
        self.rows = self.variables(count, "N")
        if count > 1 and rng.random() < 0.1:
            self.rows[-1].name = self.rows[0].name
            self.rows[-1].environment = self.rows[0].environment
        self.returning = rng.random() < 0.3
        self.skip = rng.random() < 0.45
        self.before = []
        for row in self.rows if rng.random() < 0.4 else ():
            roll = rng.random()
            if roll < 0.25:
                self.before.append(Variable(row.name, "old", rng.choice((True, False)),
                                            row.environment))
            elif roll < 0.4:
                other = "staging" if row.environment == "prod" else "prod"
                self.before.append(Variable(row.name, "elsewhere", False, other))
        self._make_ops()
        self.victim = rng.choice(self.rows)
        values = ", ".join(
            f"({quote(row.name)}, {quote(row.value)}, "
            f"{'NULL' if row.secret is None else str(row.secret)}::boolean, "
            f"{quote(row.environment)})" for row in self.rows)
        self.sql = (f"INSERT INTO {self.server}.envvars (name, value, is_secret, environment) "
                    f"VALUES {values}" + (" ON CONFLICT DO NOTHING" if self.skip else "") +
                    (" RETURNING name, value, is_secret, environment" if self.returning
                     else ""))
        imports = len({op.call for op in self.ops})
        self.write_calls = imports
        self.calls = len(self.environments) + imports

    def _make_ops(self):
        taken = {variable.place() for variable in self.before}
        for row in self.rows:
            op = Op(row.name, (row.environment, row.secret))
            op.row = row
            if row.place() in taken:
                op.affects = op.visible = False
                if not self.skip:
                    self.expect = ("23505",)
            taken.add(row.place())
            self.ops.append(op)

    def act(self, emulator, before):
        """The rival: writes the name, unless it is there by now."""
        self.robbed = rival_request(
            emulator, "POST", f"{SLUGS[self.victim.environment]}/import",
            {"variables": {self.victim.name: "rival"}, "override": False, "isSecret": False})
        if self.robbed:
            self.expect = self.expect or ("23505",)

    robbed = False

    def observe(self, before, after, writes):
        allowed = []
        for op in self.ops:
            place = op.row.place()
            if place in before.items:
                continue
            if self.robbed and op.row is self.victim and \
                    after.items.get(place, {}).get("value") == "rival":
                op.affects = op.visible = False
                allowed.append(place)
                continue
            if not op.affects:
                continue
            op.count = int(op.row.is_in(after))
            if place in after.items and not op.count:
                op.problem = f"has another value: {after.items[place]}"
            allowed.append(place)
        return allowed

    def check_rows(self, result, after):
        if self.expect == ("23505",) and not self.robbed:
            yield "success, although a name exists"
        if not self.returning:
            return
        wanted = sorted([op.row.name, None if op.row.secret else op.row.value,
                         "t" if op.row.secret else "f", op.row.environment]
                        for op in self.ops if op.affects)
        if sorted(result.rows) != wanted:
            yield f"RETURNING {result.rows}, true {wanted}"


class ChangeEnvvars(Envvars):
    """UPDATE or DELETE of several."""

    name = "envvars UPDATE, DELETE"
    rival = "deletes one"

    def build(self):
        rng = self.rng
        self.choose_server()
        self.secrecies = (True, False, False)
        self.delete = rng.random() < 0.5
        self.name = "envvars " + ("DELETE" if self.delete else "UPDATE")
        count = rng.choice((1, 2, 3, 5))
        self.before = self.variables(count, "C")
        bystanders = self.variables(2, "B")
        rows = list(self.before)
        self.before += bystanders
        # a variable of the same name in another environment
        other = Variable(rows[0].name, "elsewhere", False,
                         "staging" if rows[0].environment == "prod" else "prod")
        if self.server == "f" and rng.random() < 0.5:
            self.before.append(other)
        self.new = "new ✓ " + self.tag
        listed = ", ".join(quote(row.name) for row in rows)
        where = rng.choice((f"name IN ({listed})", f"name LIKE 'C{self.tag.upper()}%'"))
        self.returning = rng.random() < 0.4
        verb = f"DELETE FROM {self.server}.envvars" if self.delete else \
            f"UPDATE {self.server}.envvars SET value = {quote(self.new)}"
        self.sql = f"{verb} WHERE {where}" + (
            " RETURNING name, value, is_secret, environment" if self.returning else "")
        self.writes = (("DELETE" if self.delete else "PUT", "/envvars/"),)
        for row in rows:
            op = Op(f"{row.environment}/{row.name}")
            op.row = row
            op.name = row.name
            self.ops.append(op)
        self.victim = rng.choice(rows)
        self.write_calls = count
        self.calls = count * 2 + 2
        if not self.delete:
            self.rival = None

    gone = False

    def act(self, emulator, before):
        """The rival deletes a variable that is still there."""
        self.gone = rival_request(
            emulator, "DELETE", f"{SLUGS[self.victim.environment]}/{self.victim.name}")

    def observe(self, before, after, writes):
        allowed = []
        for op in self.ops:
            place = op.row.place()
            item = after.items.get(place)
            allowed.append(place)
            if self.delete:
                op.count = int(item is None)
            elif item is None:
                op.problem = "it is gone"
            else:
                op.count = int(item["_"]["value"] == self.new)
                if not op.count and item != before.items[place]:
                    op.problem = f"neither old nor new: {item}"
                if item["isSecret"] != before.items[place]["isSecret"]:
                    op.problem = f"secrecy changed: {item}"
            if self.gone and op.row is self.victim:
                op.affects = op.visible = False
                op.either = self.ambiguous
        return allowed

    def check_rows(self, result, after):
        if not self.returning:
            return
        wanted = sorted([op.row.name, None if op.row.secret else
                         op.row.value if self.delete else self.new,
                         "t" if op.row.secret else "f", op.row.environment]
                        for op in self.ops if op.affects)
        if sorted(result.rows, key=str) != sorted(wanted, key=str) and not (
                self.gone and self.ambiguous):
            yield f"RETURNING {result.rows}, true {wanted}"


class UploadEnvvars(Envvars):
    """trigger_upload_envvars()."""

    name = "upload_envvars()"
    counts = False
    context = False
    writes = (("POST", "/import$"),)
    calls = 1

    def build(self):
        rng = self.rng
        self.choose_server()
        self.secrecies = (False,)
        environment = rng.choice(self.environments)
        self.environments = (environment,)
        self.rows = self.variables(rng.choice((1, 3, 6)), "U")
        self.override = rng.random() < 0.5
        self.before = [Variable(row.name, "old", False, environment) for row in self.rows
                       if rng.random() < (0.4 if self.override else 0.1)]
        if self.before and not self.override:
            self.expect = ("22023", "23505")
        if not self.override:
            self.unsafe = "/import$"
        variables = json.dumps({row.name: row.value for row in self.rows})
        self.sql = (f"SELECT trigger_upload_envvars('{self.server}', {quote(variables)}, "
                    f"{str(self.override).lower()}, {quote(environment)})")
        self.ops = [Op(row.name, 0) for row in self.rows]

    def observe(self, before, after, writes):
        for op, row in zip(self.ops, self.rows):
            op.count = int(row.is_in(after))
            if after.items.get(row.place()) != before.items.get(row.place()) and not op.count:
                op.problem = f"neither old nor new: {after.items.get(row.place())}"
            if row.place() in before.items and not self.override and op.count:
                op.problem = "was overwritten"
        return [row.place() for row in self.rows]

    def check_rows(self, result, after):
        if result.rows != [[str(len(self.rows))]]:
            yield f"the function said {result.rows}"


KINDS = ((InsertEnvvars, 16), (ChangeEnvvars, 14), (UploadEnvvars, 5))
