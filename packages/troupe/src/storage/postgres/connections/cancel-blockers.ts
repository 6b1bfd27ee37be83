/**
 * A client that fell silent in the middle of what it was sending leaves a transaction that the server waits on for ever: it
 * is not idle, and no statement of it runs. Whoever was held up by its locks sends it away; its change is sent again under
 * its id, if anybody is left to do so.
 */

import { applicationName } from './connect.ts'
import type { Connections } from './connections.ts'

const sql = `select pg_terminate_backend(a.pid) from pg_stat_activity a
  where a.datname = current_database() and a.application_name = '${applicationName}' and a.state = 'active'
    and a.wait_event = 'ClientRead' and a.state_change < now() - make_interval(secs => $1)
    and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)`

/** @param ms in which a client that is well has sent what it began to send */
export async function cancelBlockers(connections: Connections, ms: number): Promise<number> {
  try {
    return (await connections.ask(sql, [ms / 1_000])).rowCount ?? 0
  } catch {
    // Where this role may not, whoever waits is told that it took too long.
    return 0
  }
}
