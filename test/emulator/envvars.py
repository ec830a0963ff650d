"""Environment variables of a project: names are per project, values per environment."""

REDACTED = "<redacted>"
BLACKLIST = ("TRIGGER_SECRET_KEY", "TRIGGER_API_URL")


class Value:
    """A variable's value in one environment."""

    __slots__ = ("text", "secret")

    def __init__(self, text, secret=False):
        self.text = text
        self.secret = secret


class EnvVars:
    """The variables of one project.

    Values are kept in insertion order and move to the end when written, because the real
    list has no defined order and changes after updates.
    """

    def __init__(self):
        self._values = {}

    def _own(self, environment):
        return self._values.setdefault(environment.id, {})

    def own(self, environment, name):
        """Return the value set on this environment itself, or None."""
        return self._own(environment).get(name)

    def effective(self, environment):
        """Return {name: Value}: a branch's own values over its parent's.

        A name counts as secret when it is secret in either of them.
        """
        if environment.parent is None:
            return dict(self._own(environment))
        merged = dict(self._own(environment.parent))
        for name, value in self._own(environment).items():
            inherited = merged.get(name)
            secret = value.secret or (inherited is not None and inherited.secret)
            merged[name] = Value(value.text, secret)
        return merged

    def exists_anywhere(self, name):
        """Tell whether any environment of the project has this variable."""
        return any(name in values for values in self._values.values())

    def set(self, environment, name, text, secret=None):
        """Upsert; `secret` None keeps the flag (of a branch's parent for a new value)."""
        own = self._own(environment)
        old = own.pop(name, None)
        if secret is None:
            if old is not None:
                secret = old.secret
            else:
                inherited = environment.parent and self.own(environment.parent, name)
                secret = bool(inherited and inherited.secret)
        own[name] = Value(text, secret)

    def delete(self, environment, name):
        """Remove the value of this environment; False when it has none of its own."""
        return self._own(environment).pop(name, None) is not None


def listed_name(name):
    """Return a name as lists show it: names are stored inside a colon-separated key."""
    return name.split(":")[0]


def show(name, value):
    """Return the API object of a variable; a secret's value is never shown."""
    return {"name": listed_name(name), "value": REDACTED if value.secret else value.text,
            "isSecret": value.secret}
