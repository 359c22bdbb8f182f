"""A schema as text, one line for each thing in it, and how two of them differ.

``schema.txt`` is what a database at this build's newest revision holds. It has what Alembic's own comparison does not see:
defaults, checks, views, functions, triggers, grants, extensions, and indexes that are not valid.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg

MODEL: Final = Path(__file__).with_name("schema.txt")

_PARTS: Final[tuple[LiteralString, ...]] = (
    # columns: type, not null, default or generation, identity
    """
SELECT format('column %s.%s %s%s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END,
              CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END,
              CASE WHEN a.attgenerated <> '' THEN ' GENERATED ' ELSE ' DEFAULT ' END || pg_get_expr(e.adbin, e.adrelid))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
""",
    """
SELECT format('constraint %s.%s %s%s', c.relname, k.conname, pg_get_constraintdef(k.oid),
              CASE WHEN k.convalidated THEN '' ELSE ' (not valid)' END)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND k.contype IN ('c', 'f', 'p', 'u', 'x')
""",
    """
SELECT format('index %s%s', pg_get_indexdef(i.indexrelid), CASE WHEN i.indisvalid THEN '' ELSE ' (not valid)' END)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public'
""",
    """
SELECT format('view %s %s', c.relname, pg_get_viewdef(c.oid))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('v', 'm')
""",
    """
SELECT format('function %s', pg_get_functiondef(p.oid))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = 'public' AND p.prokind IN ('f', 'p')
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
""",
    """
SELECT format('trigger %s%s', pg_get_triggerdef(t.oid),
              CASE WHEN t.tgenabled = 'O' THEN '' ELSE ' (enabled ' || t.tgenabled::text || ')' END)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND NOT t.tgisinternal
""",
    # rights of anybody but the owner
    """
SELECT format('grant %s on %s to %s', g.privilege_type, c.relname, coalesce(r.rolname, 'PUBLIC'))
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) g
LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname = 'public' AND g.grantee <> c.relowner
""",
    """
SELECT format('grant %s on %s.%s to %s', g.privilege_type, c.relname, a.attname, coalesce(r.rolname, 'PUBLIC'))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(a.attacl) g LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname = 'public' AND NOT a.attisdropped AND g.grantee <> c.relowner
""",
    """
SELECT format('grant %s on function %s to %s', g.privilege_type, p.oid::regprocedure, coalesce(r.rolname, 'PUBLIC'))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace CROSS JOIN LATERAL aclexplode(p.proacl) g
LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname = 'public' AND g.grantee <> p.proowner
  AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
""",
    """
SELECT format('row security on %s', c.relname) || CASE WHEN c.relforcerowsecurity THEN ' (forced)' ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relrowsecurity
""",
    "SELECT format('extension %s', extname) FROM pg_extension WHERE extname <> 'plpgsql'",
    """
SELECT format('type %s %s', t.typname, string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
WHERE n.nspname = 'public' GROUP BY t.oid, t.typname
""",
)
_IGNORED: Final = ("extension pg_stat_statements",)
"""What an operator may add to watch the database."""


def read_schema(connection: psycopg.Connection[Any]) -> list[str]:
    """Give a database's schema, sorted; each line is one thing, white space folded."""
    lines = [" ".join(line.split()) for part in _PARTS for (line,) in connection.execute(part).fetchall()]
    return sorted(line for line in lines if not line.startswith(_IGNORED))


def model() -> list[str]:
    """Give the schema of this build's newest revision, as committed."""
    return MODEL.read_text(encoding="utf-8").splitlines()


def differences(wanted: list[str], found: list[str]) -> list[str]:
    """Say what is missing and what is there besides."""
    missing = [f"missing: {line}" for line in wanted if line not in found]
    return missing + [f"not in the model: {line}" for line in found if line not in wanted]
