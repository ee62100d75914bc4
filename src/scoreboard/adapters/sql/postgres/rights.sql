-- name: granted
-- The roles that may add to the ledger by a grant, as far as this user may grant to them.
SELECT roles.rolname
FROM pg_class AS ledger
CROSS JOIN aclexplode(ledger.relacl) AS granted
INNER JOIN pg_roles AS roles ON granted.grantee = roles.oid
WHERE
    ledger.oid = to_regclass('ledger')
    AND granted.privilege_type = 'INSERT'
    AND granted.grantee <> ledger.relowner
    AND pg_has_role(current_user, ledger.relowner, 'USAGE')
ORDER BY roles.rolname;

-- name: missing_rights
-- Of these rights on tables or columns, those that a role (or this user) does not have.
SELECT
    wanted.kind,
    wanted.table_name
FROM
    unnest($2::TEXT [], $3::TEXT [], $4::TEXT [])
    WITH ORDINALITY AS wanted (table_name, kind, column_name, place)
WHERE NOT CASE
    WHEN wanted.column_name IS NULL
        THEN has_table_privilege(
            coalesce($1, current_user::TEXT), wanted.table_name, wanted.kind
        )
    ELSE has_column_privilege(
        coalesce($1, current_user::TEXT), wanted.table_name, wanted.column_name, wanted.kind
    )
END
ORDER BY wanted.place;
