/** Where a PostgreSQL database is, and how it is talked to. Instead of the parts a URL may stand. */
import type { Duration } from '../core/index.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`; the parts below go before what it says. */
  readonly url?: string
  /** `localhost` by default; a path is the folder of a Unix socket. */
  readonly host?: string
  /** 5432 by default. */
  readonly port?: number
  readonly database?: string
  readonly user?: string
  /** Of any characters; never printed. What gives it is asked at each connection, for it may change. */
  readonly password?: string | (() => string | Promise<string>)
  /** The schema that holds all tables; `troupe` by default. Made where it is missing. */
  readonly schema?: string
  /**
   * true: encrypted, with the certificate checked. `{ ca }`: against this one, PEM. `{ check: false }`: unchecked, which
   * production rejects. Plain where absent, which production rejects beyond this machine: `'none'` says that it is meant.
   */
  readonly tls?: boolean | 'none' | { readonly ca?: string; readonly check?: boolean }
  /** A role that may create the schema, its tables and the application role; the role of the connection by default. */
  readonly migrateUrl?: string
  /** Straight to the server, where `url` leads to a pooler such as pgbouncer: LISTEN needs a connection that stays. */
  readonly listenUrl?: string
  /** Connections for changes and reads, kept once they are made; one more listens. 10 by default. */
  readonly poolSize?: number
  /** More of them while all are in use; closed after 2 s without any. 0 by default. */
  readonly poolOverflow?: number
  /** How long opening, a change or a read waits for a connection, or for a server that is away; 10 s by default. */
  readonly acquireTimeout?: Duration
  /** After so long the server gives a statement up; 30 s by default. */
  readonly statementTimeout?: Duration
  /** A connection is closed and made anew after so long, once nobody uses it; 30 min by default, 1 s at least. */
  readonly recycle?: Duration
}
