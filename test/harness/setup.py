"""Servers, mappings and tables that most tests start from."""
from emulator_process import credentials


def quote(text):
    return "'" + text.replace("'", "''") + "'"


def create_server(session, name, url, schema=None, options=None, **mapping):
    """Server `name`, a mapping for everyone, and its tables in `schema`.

    `options` are the server's, `mapping` the user mapping's.
    """
    server = {"base_url": url, **(options or {})}
    listed = ", ".join(f"{k} {quote(str(v))}" for k, v in server.items())
    session.query(f"CREATE SERVER {name} FOREIGN DATA WRAPPER trigger_fdw OPTIONS ({listed})")
    listed = ", ".join(f"{k} {quote(str(v))}" for k, v in mapping.items())
    session.query(f"CREATE USER MAPPING FOR PUBLIC SERVER {name} OPTIONS ({listed})")
    if schema:
        session.query(f"CREATE SCHEMA {schema};"
                      f"IMPORT FOREIGN SCHEMA management FROM SERVER {name} INTO {schema}")


def create_default(session, url):
    """Schemas `prod` (secret key) and `pat` (personal access token)."""
    session.query("CREATE EXTENSION IF NOT EXISTS trigger_fdw")
    create_server(session, "prod", url, "prod", {"project_ref": credentials.PROJECT_ALPHA},
                  secret_key=credentials.TR_PROD)
    create_server(session, "pat", url, "pat", {"project_ref": credentials.PROJECT_ALPHA},
                  personal_access_token=credentials.PAT)
