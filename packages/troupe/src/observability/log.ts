/** Structured logs. A port, so that tests and simulations keep what was said; pino is the shell in production. */
import type { Json } from '../core/index.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = { readonly [field: string]: Json | Error | undefined }

export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log, each line carrying these fields too. */
  child(fields: LogFields): Log
}

/** Says nothing. */
export const silentLog: Log = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
