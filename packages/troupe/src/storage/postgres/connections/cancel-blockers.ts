/**
 * A client that stops in the middle of sending leaves a transaction open for ever: the session is not idle, and no
 * statement runs. A process that waited for its locks terminates that session. The client, if it still runs, sends its
 * change again under the same id.
 */

import { applicationName } from './connect.ts'
import type { Connections } from './connections.ts'

const sql = `select pg_terminate_backend(a.pid) from pg_stat_activity a
  where a.datname = current_database() and a.application_name = '${applicationName}' and a.state = 'active'
    and a.wait_event = 'ClientRead' and a.state_change < now() - make_interval(secs => $1)
    and exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)`

/** @param ms the time in which a working client has sent the rest of its transaction */
export async function cancelBlockers(connections: Connections, ms: number): Promise<number> {
  try {
    return (await connections.ask(sql, [ms / 1_000])).rowCount ?? 0
  } catch {
    // If this role may not terminate sessions, the waiting caller gets the error of a slow statement.
    return 0
  }
}
