/** The port of structured logs: pino implements it in production, and tests collect the lines. */
import type { Json } from '../../core/index.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]
const ranks: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50, silent: 100 }

/** Whether a log at `level` says what is of `wanted`. */
export const speaks = (level: LogLevel, wanted: LogLevel): boolean => ranks[wanted] >= ranks[level]

export type LogFields = { readonly [field: string]: Json | Error | undefined }

export interface Log {
  /** The counts of this log and its children: lines at which the destination threw are lost. */
  readonly lines?: { readonly written: number; readonly lost: number }
  /** The level of this log and its children, which can be changed at any time. */
  level: LogLevel
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
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
