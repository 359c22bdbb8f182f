"""How the databases of one server are reached: as its administrator, and as the target."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from urllib.parse import quote

NAME_LENGTH_MAX = 63  # PostgreSQL's NAMEDATALEN - 1, in bytes


@dataclass(frozen=True)
class Access:
    """Address and credentials of a server. It holds secrets: pass it to another process by environment only.

    `admin` creates and drops databases; `role` owns them and is what the target connects as. `prefix` stands before the name
    of every database that is ours (on a server that others use too).
    """

    host: str
    port: int
    admin: str
    role: str
    admin_password: str = field(repr=False, default="")
    role_password: str = field(repr=False, default="")
    maintenance: str = "postgres"  # the database that the administrator connects to
    prefix: str = ""
    parameters: str = ""  # of the address, such as `?sslmode=require`

    def admin_dsn(self, database: str = "") -> str:
        """Address of a database (by default the maintenance one) for the administrator."""
        physical = self.physical(database) if database else self.maintenance
        return self._dsn(self.admin, self.admin_password, physical)

    def dsn(self, database: str) -> str:
        """Address of a database for the target: `postgresql://role:password@host:port/database`."""
        return self._dsn(self.role, self.role_password, self.physical(database))

    def physical(self, database: str) -> str:
        """What a database is called on the server: with the prefix, and no longer than the server can tell names apart."""
        name = self.prefix + database
        if len(name.encode()) <= NAME_LENGTH_MAX:
            return name
        digest = hashlib.sha256(name.encode()).hexdigest()[:12]
        return name.encode()[: NAME_LENGTH_MAX - 13].decode(errors="ignore") + "_" + digest

    def to_text(self) -> str:
        """For the environment of another process."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Access:
        """What `to_text` wrote."""
        return cls(**json.loads(text))

    def _dsn(self, user: str, password: str, database: str) -> str:
        credentials = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"postgresql://{credentials}@{host}:{self.port}/{quote(database, safe='')}{self.parameters}"
