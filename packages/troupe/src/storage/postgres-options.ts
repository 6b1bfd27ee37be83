/** The location of a PostgreSQL database and the settings of its connections. A URL can replace the separate parts. */
import type { Duration } from '../core/index.ts'

/** The location of a PostgreSQL database and the settings of its connections. A URL can replace the separate parts. */
export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; the separate options override its parts. */
  readonly url?: string
  /** The host; `localhost` by default. A path is the folder of a Unix socket. */
  readonly host?: string
  /** The port; 5432 by default. */
  readonly port?: number
  /** The name of the database; the name of `user` by default. */
  readonly database?: string
  /** The role of the connections; `postgres` by default. */
  readonly user?: string
  /**
   * The password may contain any character and is never printed. A function is called for each connection, because the
   * password may change.
   */
  readonly password?: string | (() => string | Promise<string>)
  /** The schema that holds all tables; `troupe` by default. Created if missing. */
  readonly schema?: string
  /**
   * true: encrypted, with a check of the certificate. `{ ca }`: checked against this PEM certificate. `{ check: false
   * }`: encrypted but unchecked, which production rejects. Unencrypted by default, which production rejects for remote
   * hosts; `'none'` confirms that plain text is intended.
   */
  readonly tls?:
    | boolean
    | 'none'
    | {
        /** The PEM certificate against which the server's is checked; the system's authorities by default. */
        readonly ca?: string
        /** False does not check the certificate; true by default. */
        readonly check?: boolean
      }
  /** A role that may create the schema, its tables and the application role; the role of the connection by default. */
  readonly migrateUrl?: string
  /** A direct URL of the server, if `url` leads to a pooler such as pgbouncer: LISTEN needs a permanent connection. */
  readonly listenUrl?: string
  /** The number of permanent connections for changes and reads; one more connection listens. 10 by default. */
  readonly poolSize?: number
  /** The number of additional connections while all others are in use; closed after 2 s of inactivity. 0 by default. */
  readonly poolOverflow?: number
  /**
   * How long opening, a change or a read waits for a connection or for an unreachable server; 10 s by default, 1 ms to
   * 24 days.
   */
  readonly acquireTimeout?: Duration
  /** The time after which the server cancels a statement; 30 s by default, 1 ms to 24 days. */
  readonly statementTimeout?: Duration
  /** The age at which an idle connection is closed and replaced; 30 min by default, 1 s to 24 days. */
  readonly recycle?: Duration
}
