/**
 * Inspects a connection: the server, the role that logged in, and whether a pooler is in between. The result decides
 * what opening rejects, what production rejects, and what the doctor reports.
 */
import type { Client } from 'pg'
import type { StorageFinding } from '../open-storage-options.ts'
import type { ConnectionTarget } from './connections/connection-target.ts'
import { applicationRole } from './migrate.ts'

export interface ServerInspection {
  /** The major version of the server. */
  readonly version: number
  /** The role that logged in. */
  readonly role: string
  /** Whether the role bypasses row-level security, as a superuser does. */
  readonly free: boolean
  /** Whether the role may act as the owner of the tables, as a superuser may. */
  readonly owns: boolean
  /** Whether the role may create tables. */
  readonly creates: boolean
  /** Whether the role may act as the application role. */
  readonly member: boolean
  readonly application: { readonly exists: boolean; readonly free: boolean; readonly owns: boolean }
  /** Tables with a user column whose row-level security is not forced, or is widened by a policy of another name than `of_…`. */
  readonly open: readonly string[]
  /**
   * Whether statements are executed by another backend than the one that accepted the connection, as behind a pooler.
   */
  readonly pooled: boolean
}

/** The oldest major version of PostgreSQL that the tests run on. */
const oldest = 15

export async function probeServer(client: Client, { schema }: ConnectionTarget): Promise<ServerInspection> {
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int / 10000 as version, current_user as role, pg_backend_pid() as pid,
      (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)::text as free,
      exists (select from pg_class c where c.relnamespace = to_regnamespace($2) and c.relkind = 'r'
        and pg_has_role(c.relowner, 'member'))::text as owns,
      coalesce(has_schema_privilege(to_regnamespace($2), 'create'), false)::text as creates,
      (r.rolname is not null)::text as exists, coalesce(pg_has_role(r.oid, 'member'), false)::text as member,
      coalesce(r.rolsuper or r.rolbypassrls, false)::text as application_free,
      exists (select from pg_class c where c.relowner = r.oid and c.relnamespace = to_regnamespace($2))::text
        as application_owns,
      array(select c.relname::text from pg_class c where c.relnamespace = to_regnamespace($2) and c.relkind = 'r'
        and coalesce(obj_description(c.oid, 'pg_class'), '') not like 'work%'
        and (not (c.relrowsecurity and c.relforcerowsecurity) or exists (select from pg_policy p where p.polrelid = c.oid
          and p.polpermissive and p.polname !~ '^of_' and p.polroles && array[0::oid, r.oid]))
        and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'user_id' and not a.attisdropped)
        order by 1)::text as open
      from (select) one left join pg_roles r on r.rolname = $1::text`,
    [applicationRole, schema],
  )
  const [row] = rows
  const is = (name: string) => row[name] === 'true'
  const { processID } = client as Client & { processID?: number | null }
  return {
    version: Number(row.version),
    role: String(row.role),
    free: is('free'),
    owns: is('owns'),
    creates: is('creates'),
    member: is('member'),
    application: { exists: is('exists'), free: is('application_free'), owns: is('application_owns') },
    open: row.open.slice(1, -1).split(',').filter(Boolean),
    // A pooler reports a process id of its own, which it uses for cancel requests.
    pooled: Number(row.pid) !== processID,
  }
}

/** @returns why this connection must not be used; undefined if it is compatible */
export function incompatibilityOf({ version, role, member, application, open }: ServerInspection): string | undefined {
  if (version < oldest) return `PostgreSQL ${version} is too old: the oldest supported version is ${oldest}`
  if (!application.exists) return `there is no role ${applicationRole}`
  if (!member) return `the role ${role} is not a member of ${applicationRole}: grant ${applicationRole} to ${role}`
  if (application.free)
    return `the role ${applicationRole} is free of row-level security: alter role ${applicationRole} nosuperuser nobypassrls`
  if (application.owns) return `the role ${applicationRole} owns tables`
  return open.length > 0 ? `row-level security is not forced on ${open.join(', ')}, or a policy was added` : undefined
}

/** @returns why this role has too many privileges to serve users; undefined if it has not */
export function powerOf({ free, owns, role }: ServerInspection): string | undefined {
  if (free) return `the role ${role} is free of row-level security`
  return owns ? `the role ${role} owns the tables or may act as their owner` : undefined
}

/** @param listens whether there is a connection for notifications */
export function findingsOf(inspection: ServerInspection, listens: boolean): readonly StorageFinding[] {
  const findings: StorageFinding[] = []
  const rejection = incompatibilityOf(inspection)
  if (rejection)
    findings.push({
      code: 'storage.insecure',
      severity: 'error',
      message: `The PostgreSQL database was changed after it was opened: ${rejection}.`,
      remedy: 'Undo that change, or create the database again with the role that migrates.',
    })
  const power = powerOf(inspection)
  if (power)
    findings.push({
      code: 'storage.powerful_role',
      severity: 'warning',
      message: `The role of the connections can read the rows of all users: ${power}.`,
      remedy:
        'Log in with a role that owns no tables, and name their owner only in migrateUrl. Production rejects this role.',
    })
  else if (inspection.creates)
    findings.push({
      code: 'storage.creating_role',
      severity: 'warning',
      message: `The role ${inspection.role} may create tables in the schema of the troupe.`,
      remedy: `revoke create on the schema from ${inspection.role}`,
    })
  if (!listens)
    findings.push({
      code: 'storage.no_listen',
      severity: 'advice',
      message: 'The connections go through a pooler: changes of other processes are found once a second, not at once.',
      remedy: 'Set listenUrl to a direct URL of the server.',
    })
  return findings
}
