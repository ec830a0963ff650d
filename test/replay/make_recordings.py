#!/usr/bin/env python3
"""Extract the compact fixture recordings.json from a directory of recorded exchanges.

Usage: make_recordings.py DIRECTORY [OLDER] > recordings.json

With an older fixture, what is in it and not in the directory stays.

Credentials become symbols ($TR_PROD, $JWT(prod;read:runs), …), the recorded projects become
the emulator's. Kept of an answer: status, kind of content, the whole body of a failure, and
of a success whether lists in it are empty and which cursors it has (of writes: all values but
ids and dates; of queries: the columns, or all values where they do not depend on the recorded
server's data); the keys and types of successful bodies are merged per kind of request. The
recorded runs are kept as rows, so that the replay can give the emulator the same ones.
"""

import base64
import datetime
import email.utils
import json
import os
import re
import sys

PREFIXES = ("runs_", "run_retrieve", "envvars_", "schedules_", "timezones", "http_", "rate_",
            "auth_", "pat_", "jwt_", "envjwt_", "project", "orgs", "whoami", "unknown_",
            "options", "healthcheck", "lag_", "trigger_", "batch_", "idempotency_",
            "run_cancel", "run_replay", "run_reschedule", "run_tags", "run_metadata",
            "run_result", "session_", "sessions_", "s2_", "query_")
# additional keys are told apart by the recordings that use them
ADDITIONAL = {"expired": "$TR_PROD_SK_EXPIRED", "revoked": "$TR_PROD_SK_REVOKED",
              "ro": "$TR_PROD_SK_RO", "off": "$TR_PROD_SK"}
ROOT_KEYS = {"prod": "$TR_PROD", "stg": "$TR_STG", "dev": "$TR_DEV", "preview": "$TR_PREVIEW"}
ENVIRONMENTS = {"cmwtxxfp30003q97do9ta5ppz": "prod", "cmwtxxfpo0005q97dklhkxqxa": "stg",
                "cmwtxxfpg0004q97dsn968qk1": "dev",
                "cmwtxxfzk000eq97d0zzcb4uu": "preview-feature-xyz"}
PATTERNS = ((r"run_\w+", "{run}"), (r"sched_\w+", "{schedule}"),
            (r"/(envvars/[^/]+)/(?!import).+$", "/envvars/{slug}/{name}"),
            (r"/envvars/[^/]+", "/envvars/{slug}"), (r"proj_\w+|\$PROJECT_\w+", "{project}"),
            (r"schedules/(dedup-\d+)", "schedules/{schedule}"), (r"batch_\w+", "{batch}"),
            (r"/tasks/[^/]+/", "/tasks/{task}/"),
            (r"idempotencyKeys/[^/]+", "idempotencyKeys/{key}"),
            (r"/sessions/[^/]+", "/sessions/{session}"))
# requests whose answers name what they made
MAKERS = re.compile(
    r"POST /api/v1/(schedules|sessions)$|POST .*/(trigger|replay|batch|batches)$")
# Answers outside of the limit have no counter that tells their order within a second; the
# numbers of the records do, and the times at which the records were written.
UNCOUNTED = (
    "s2_records_empty", "s2_append_in", "s2_append_in_text", "s2_append_in_partid",
    "s2_append_in_partid_again", "s2_append_in_empty", "s2_append_out",
    "s2_append_by_externalid")
COUNTED_AS = {"session_append_closed": 651}


def _token_symbol(token, name):
    if re.fullmatch(r"tr_\w+_sk_\w{24}", token):
        for mark, symbol in ADDITIONAL.items():
            if re.search(r"_%s(_|$)" % mark, name):
                return symbol
        return "$TR_PROD_SK"
    root = re.fullmatch(r"tr_(prod|stg|dev|preview)_\w{24}", token)
    if root:
        foreign = re.search(r"_other(_project_key|_tenant)?$|_org_escape$", name) \
            and root.group(1) == "prod"
        return "$TR_FOREIGN_PROD" if foreign else ROOT_KEYS[root.group(1)]
    if re.fullmatch(r"tr_pat_\w{40}", token):
        return "$PAT"
    parts = token.split(".")
    if len(parts) == 3:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=="))
        if claims.get("pub"):
            return "$JWT(%s;%s)" % (ENVIRONMENTS[claims["sub"]],
                                    ",".join(claims.get("scopes", [])))
    return token


def _symbolic(text, name):
    project = "$PROJECT_FOREIGN" if "wrong_project" in name else "$PROJECT_ALPHA"
    text = re.sub(r"\bproj_(?!nope)\w+", lambda found: project, text)
    return re.sub(r"\btr_(?:pat|prod|stg|dev|preview)_\w{24,40}",
                  lambda found: _token_symbol(found.group(), name), text)


def _parse(name, text):
    """Return one exchange as a dictionary."""
    request, _, answer = text.partition("\n------------------------------ response")
    answer = answer.partition("\n")[2]
    head, _, body = answer.partition("\n\n")
    lines = request.split("\n")
    while lines[0].startswith("#"):
        lines.pop(0)
    method = lines[0].split(" ")[0]
    target = re.search(r"^\(raw url: http://[^/]+(.*)\)$", request, re.M).group(1)
    headers = {}
    position = 2
    while position < len(lines) and ": " in lines[position]:
        key, _, value = lines[position].partition(": ")
        if key == "Authorization":
            scheme, blank, token = value.partition(" ")
            extra = token[:len(token) - len(token.lstrip())]
            value = scheme + blank + extra + _token_symbol(token.strip(), name)
        headers[key] = value.replace("main-2", "$BRANCH_FIX")
        position += 1
    sent = "\n".join(lines[position:]).strip("\n")
    answer_headers = {}
    for line in head.split("\n")[1:]:
        key, _, value = line.partition(": ")
        answer_headers[key.lower()] = value
    date = answer_headers.get("date")
    return {
        "name": name, "method": method, "target": _symbolic(target, name), "headers": headers,
        "body": _symbolic(sent, name) if sent else None, "status": int(head.split(" ")[1]),
        "type": answer_headers.get("content-type", "").split(";")[0],
        "date": email.utils.parsedate_to_datetime(date).isoformat() if date else None,
        # items of a batch are outside of the limit and follow its creation
        "_remaining": COUNTED_AS.get(name) or int(answer_headers.get(
            "x-ratelimit-remaining", 0 if target.endswith("/items") else 1e9)),
        "_body": body.rstrip("\n"),
    }


def _kind(exchange):
    """Return the kind of request: method and path without ids."""
    path = exchange["target"].partition("?")[0]
    for pattern, replacement in PATTERNS:
        path = re.sub(pattern, replacement, path)
    return exchange["method"] + " " + path


def _type_name(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def made_ids(value):
    """Return the ids of what a request made, in the order of its answer."""
    runs = [run["id"] if isinstance(run, dict) else run for run in value.get("runs", ())]
    if "isCached" in value and "externalId" in value:
        # cursors have the id without its prefix
        return [value["id"].removeprefix("session_"), value["runId"]]
    return [value.get("id") or value["batchId"]] + runs


# successes of which every value counts, not only the shape
EXACT = ("trigger_", "run_metadata", "run_tags", "run_result", "idempotency_", "batch_",
         "sessions_", "s2_")


# queries whose answer does not depend on runs that no list showed
EXACT_QUERIES = frozenset("query_" + name for name in """
limit_0 string_escape union status_bogus other_tenant where_org_escape runid_eq llm_table
metrics_table join_noalias in_subquery types sk status_friendly status_internal offset tags_has
subquery runid_in nullable""".split())


def query_columns(value):
    """Return what is compared of a query's answer: the columns with their types.

    A column of a CSV has no type; a type that says nothing is left out.
    """
    results = value["results"]
    if isinstance(results, str):
        return [[name, []] for name in results.partition("\n")[0].split(",")]
    columns = {}
    for row in results:
        for name, member in row.items():
            columns.setdefault(name, set()).add(_type_name(member))
    return [[name, sorted(types - {"null"})] for name, types in columns.items()]


def masked(value):
    """Return a body without what differs from server to server: ids, dates, the region."""
    text = json.dumps(value, ensure_ascii=False)
    text = re.sub(r"\b(run|batch|session)_c\w+", r"<\1>", text)
    text = re.sub(r'("(?:next|previous)": )"c\w+"', r'\1"<cursor>"', text)
    text = re.sub(r'("publicAccessToken": )"[^"]+"', r'\1"<token>"', text)
    # the ids of records that the server made up
    text = re.sub(r'("id": )"[\w-]{7}"(, "seqNum")', r'\1"<part>"\2', text)
    text = re.sub(r"\b(?!2020)\d{4}-\d\d-\d\dT[\d:.]+Z", "<date>", text)
    value = json.loads(text)
    if isinstance(value, dict):
        value.pop("region", None)
    return value


def masked_events(text):
    """Return an event stream without times and made-up ids, and without the client's notes."""
    text = text.partition("[curl exit")[0].strip("\n")
    text = re.sub(r'("timestamp":)\d{13}\b', r"\1<ms>", text)
    return re.sub(r'(\\"id\\":)\\"[\w-]{7}\\"', r"\1<part>", text)


def merge_shape(shape, value):
    """Merge a JSON value into a shape: types, and for objects required and known keys."""
    shape = shape or {"types": []}
    name = _type_name(value)
    if name not in shape["types"]:
        shape["types"].append(name)
        shape["types"].sort()
    if name == "array":
        for item in value:
            shape["items"] = merge_shape(shape.get("items"), item)
    if name == "object":
        keys = shape.setdefault("keys", {})
        required = shape.setdefault("required", sorted(value))
        shape["required"] = sorted(set(required) & set(value))
        for key, member in value.items():
            free_form = key in ("metadata", "payload", "output", "variables")
            keys[key] = merge_shape(keys.get(key), _type_only(member) if free_form else member)
    return shape


def _type_only(value):
    """Reduce a free-form member to a value of the same type without content."""
    return {"object": {}, "array": []}.get(_type_name(value), value)


def _ms(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def _rows(exchanges):
    """Return the runs seen in lists, one compact row each, and those seen by retrieve."""
    rows = {}
    for exchange in exchanges:
        try:
            body = json.loads(exchange["_body"])
        except ValueError:
            continue
        if "/runs" not in exchange["target"] or exchange["status"] != 200:
            continue
        query = exchange["target"].partition("?")[2]
        found = body.get("data", [body] if "createdAt" in body else [])
        for item in found:
            row = rows.setdefault(item["id"], {})
            row.update(_row(item))
            # a filter tells the stored status, which the shown one may hide
            words = re.findall(r"filter%5Bstatus%5D=([^&]+)", query)
            if words and words[-1].isupper() and words[-1] != "FROZEN" and "%" not in words[-1]:
                row["word"] = words[-1]
            for key, name in (("queue", "queue"), ("schedule", "schedule_id"),
                              ("error", "error_id"), ("bulkAction", "bulk")):
                value = re.search(r"filter%%5B%s%%5D=([^&]+)" % key, query)
                if value:
                    row[name] = value.group(1).replace("%2F", "/")
    return rows


def _json(exchange):
    try:
        return json.loads(exchange["_body"])
    except ValueError:
        return None


def _schedules(exchanges):
    """Return the schedules as they were first seen, oldest (of a list: last) first."""
    found = {}
    for exchange in exchanges:
        value = _json(exchange)
        if "/schedules" not in exchange["target"] or exchange["status"] != 200:
            continue
        items = value.get("data", [value] if "generator" in value else [])
        for item in items:
            environment = item["environments"][0] if item["environments"] else {}
            row = {"task": item["task"], "expression": item["generator"]["expression"],
                   "timezone": item["timezone"], "active": item["active"],
                   "declarative": item["type"] == "DECLARATIVE",
                   "environment": ENVIRONMENTS.get(environment.get("id"), "prod")}
            for key, name in (("externalId", "external_id"), ("window", "window"),
                              ("deduplicationKey", "deduplication_key")):
                if item.get(key) is not None:
                    row[name] = item[key]
            found.setdefault(item["id"], row)
    return found


def _sessions(exchanges):
    """Return the sessions as lists first showed them, oldest first."""
    found = {}
    for exchange in exchanges:
        value = _json(exchange)
        if exchange["status"] != 200 or not exchange["target"].startswith("/api/v1/sessions?") \
                and exchange["target"] != "/api/v1/sessions":
            continue
        for item in value.get("data", ()):
            row = {"created_at": _ms(item["createdAt"]), "updated_at": _ms(item["updatedAt"]),
                   "type": item["type"], "task": item["taskIdentifier"], "tags": item["tags"],
                   "metadata": item["metadata"], "external_id": item["externalId"],
                   "current_run_id": item["currentRunId"]}
            if item["expiresAt"]:
                row["expires_at"] = _ms(item["expiresAt"])
            found.setdefault(item["id"].removeprefix("session_"), row)
    return dict(sorted(found.items()))


def _variables(exchanges):
    """Return the variables of the first list of each environment."""
    found = {}
    for exchange in exchanges:
        kind = re.fullmatch(r"envvars_list_(\w+)", exchange["name"])
        value = _json(exchange)
        if kind and isinstance(value, list):
            found.setdefault(kind.group(1), [
                [item["name"], item["value"], item["isSecret"]] for item in value])
    wanted = {"prod": "prod", "staging_pat": "stg", "dev_pat": "dev",
              "preview_pat_nobranch": "preview", "preview_key_branch": "preview-feature-xyz"}
    chosen = {slug: found[name] for name, slug in wanted.items()}
    inherited = {item[0] for item in chosen["preview"]}
    chosen["preview-feature-xyz"] = [
        item for item in chosen["preview-feature-xyz"]
        if item[0] not in inherited or item not in chosen["preview"]]
    return chosen


def _row(item):
    row = {"created": _ms(item["createdAt"]), "status": item["status"],
           "task": item["taskIdentifier"], "test": item["isTest"], "tags": item["tags"]}
    for key in ("version", "region", "ttl"):
        if key in item:
            row[key] = item[key]
    if "env" in item:
        row["env"] = item["env"]["name"]
    for key in ("startedAt", "finishedAt", "delayedUntil", "expiredAt"):
        if key in item:
            row[key] = _ms(item[key])
    for key in ("payload", "output", "error"):
        if key in item:
            row[key] = _type_only(item[key]) if key != "error" else item[key]
    if "metadata" in item:
        row["metadata"] = {}
    if item.get("relatedRuns", {}).get("parent"):
        row["parent"] = item["relatedRuns"]["parent"]["id"]
    return row


def _merged(document, older):
    """Put what is new into an older fixture; of queries the new form replaces the old one."""
    query = "POST /api/v1/query"
    older["shapes"].pop(query, None)
    for name in ("shapes", "runs", "schedules", "sessions", "envvars"):
        document[name] = {**document[name], **older[name]}
    recordings = {exchange["name"]: exchange for exchange in older["recordings"]}
    for exchange in document["recordings"]:
        if exchange["name"] not in recordings or exchange["kind"] == query:
            recordings[exchange["name"]] = exchange
    # stable: what is in the older fixture stays in its order
    document["recordings"] = sorted(recordings.values(), key=lambda e: e["date"] or "")
    return document


def main(directory, older=None):
    """Write the fixture to standard output."""
    exchanges = []
    for file in sorted(os.listdir(directory)):
        name = file.removesuffix(".txt")
        if file.endswith(".txt") and name.startswith(PREFIXES):
            with open(os.path.join(directory, file), encoding="utf-8",
                      errors="replace") as handle:
                exchanges.append(_parse(name, handle.read()))
    exchanges.sort(key=lambda e: (
        e["date"] or "", -e["_remaining"],
        UNCOUNTED.index(e["name"]) if e["name"] in UNCOUNTED else len(UNCOUNTED), e["name"]))
    rows = _rows(exchanges)
    schedules = _schedules(exchanges)
    sessions = _sessions(exchanges)
    variables = _variables(exchanges)
    shapes = {}
    for exchange in exchanges:
        body = exchange.pop("_body")
        del exchange["_remaining"]
        exchange["kind"] = _kind(exchange)
        try:
            value = json.loads(body)
        except ValueError:
            value = None
        if value is None:
            if exchange["type"] == "text/plain":
                exchange["text"] = body
            if exchange["type"] == "text/event-stream":
                exchange["events"] = masked_events(body)
        elif exchange["status"] >= 300 or value == {"status": 405, "body": "Method Not Allowed"}:
            exchange["answer"] = value
        else:
            if exchange["kind"] == "POST /api/v1/query":
                exchange["columns"] = query_columns(value)
                exchange["empty"] = not value["results"]
                if exchange["name"] in EXACT_QUERIES:
                    exchange["rows"] = value["results"]
                value = {**value, "results": _type_only(value["results"])}
            shapes[exchange["kind"]] = merge_shape(shapes.get(exchange["kind"]), value)
            if exchange["name"].startswith(EXACT):
                exchange["value"] = masked(value)
            if MAKERS.match(exchange["kind"]):
                exchange["made"] = made_ids(value)
                if "triggerConfig" in value:
                    # several were made in one second, and lists show them in order
                    exchange["at"] = _ms(value["createdAt"])
            if isinstance(value, dict) and isinstance(value.get("data"), list):
                exchange["empty"] = not value["data"]
                exchange["pagination"] = sorted(value["pagination"])
    made = {made for exchange in exchanges for made in exchange.get("made", ())}
    schedules = {key: row for key, row in schedules.items() if key not in made}
    rows = {key: row for key, row in rows.items() if key not in made}
    sessions = {key: row for key, row in sessions.items() if key not in made}
    document = {"shapes": shapes, "runs": rows, "schedules": schedules,
                "sessions": sessions, "envvars": variables, "recordings": exchanges}
    if older is not None:
        with open(older, encoding="utf-8") as file:
            document = _merged(document, json.load(file))
    parts = []
    for key, value in document.items():
        if isinstance(value, dict):
            lines = ["%s: %s" % (json.dumps(name), json.dumps(row, ensure_ascii=False))
                     for name, row in value.items()]
            parts.append('"%s": {\n%s\n}' % (key, ",\n".join(lines)))
        else:
            lines = [json.dumps(row, ensure_ascii=False) for row in value]
            parts.append('"%s": [\n%s\n]' % (key, ",\n".join(lines)))
    print("{\n" + ",\n".join(parts) + "\n}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
