/** Structured logs. A port, so that tests and simulations keep what was said; pino is the shell in production. */
import type { Json } from '../../core/index.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
const ranks: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 }

/** Whether a log at `level` says what is of `wanted`. */
export const speaks = (level: LogLevel, wanted: LogLevel): boolean => ranks[wanted] >= ranks[level]

export type LogFields = { readonly [field: string]: Json | Error | undefined }

export interface Log {
  /** What became of the lines of this log and of all made from it: those that the destination threw at are lost. */
  readonly lines?: { readonly written: number; readonly lost: number }
  /** Of this log and of all made from it; may be changed while it works. */
  level: LogLevel
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log, each line carrying these fields too. */
  child(fields: LogFields): Log
}

/** Says nothing. */
export const silentLog: Log = {
  level: 'silent',
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
