/** The port of structured logs: pino implements it in production, and tests collect the lines. */
import type { Json } from '../../core/index.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
/** The level of a log: lines below it are not written. `silent` writes none. */
export type LogLevel = (typeof logLevels)[number]
const ranks: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 }

/** Returns whether a log at `level` writes lines of `wanted`. */
export const speaks = (level: LogLevel, wanted: LogLevel): boolean => ranks[wanted] >= ranks[level]

/** Fields of a log line: JSON values, or an error, which is written with its stack. */
export type LogFields = { readonly [field: string]: Json | Error | undefined }

/**
 * The port of structured logs. The fields of a line are merged with those of its log and of the surrounding event
 * context.
 */
export interface Log {
  /** The counts of this log and its children. */
  readonly lines?: {
    /** The number of lines that were written. */
    readonly written: number
    /** The number of lines that were not written: the destination threw, or a field could not be read. */
    readonly lost: number
  }
  /** The level of this log and its children, which can be changed at any time. */
  level: LogLevel
  /** Writes a line of level `debug`. */
  debug(message: string, fields?: LogFields): void
  /** Writes a line of level `info`. */
  info(message: string, fields?: LogFields): void
  /** Writes a line of level `warn`. */
  warn(message: string, fields?: LogFields): void
  /** Writes a line of level `error`. */
  error(message: string, fields?: LogFields): void
  /** Returns a child log that adds these fields to each line. */
  child(fields: LogFields): Log
}

/** A log without output. */
export const silentLog: Log = {
  level: 'silent',
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLog,
}
