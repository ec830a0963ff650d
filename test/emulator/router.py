"""Matching paths to handlers. New resources register their routes here and nowhere else."""


class Route:
    """Handlers of one path by method.

    `read` answers GET (and HEAD), `write` every other method: like in the original's
    framework, a route's write handler decides itself what to do with each method.
    `builder` marks the newer generation, which exposes headers to browsers; `deploy` the
    larger request budget; `limited` False paths are outside of any budget.
    """

    __slots__ = ("read", "write", "builder", "deploy", "limited")

    def __init__(self, read=None, write=None, builder=False, deploy=False, limited=True):
        self.read = read
        self.write = write
        self.builder = builder
        self.deploy = deploy
        self.limited = limited


class Router:
    """A tree over path segments; `{}` matches one segment, `{*}` the rest of the path."""

    def __init__(self):
        self._root = {}

    def add(self, pattern, **options):
        """Register a route."""
        node = self._root
        for segment in pattern.strip("/").split("/"):
            node = node.setdefault(segment, {})
        node[None] = Route(**options)

    def find(self, segments):
        """Return (route, path parameters) or (None, [])."""
        return self._find(self._root, segments, 0, [])

    def _find(self, node, segments, position, parameters):
        if position == len(segments):
            return node.get(None), parameters
        literal = node.get(segments[position])
        if literal is not None:
            found = self._find(literal, segments, position + 1, parameters)
            if found[0] is not None:
                return found
        wild = node.get("{}")
        if wild is not None:
            found = self._find(wild, segments, position + 1, parameters + [segments[position]])
            if found[0] is not None:
                return found
        rest = node.get("{*}")
        if rest is not None:
            return rest.get(None), parameters + ["/".join(segments[position:])]
        return None, []
