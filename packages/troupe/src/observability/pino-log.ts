/** Logs as JSON lines by pino, on standard error, so that what a program prints stays its own. */
import pino from 'pino'
import type { Log, LogFields, LogLevel } from './log.ts'

/** Names under which secrets travel; their values never come out, two levels deep. */
const secretFields = ['password', 'secret', 'token', 'apiKey', 'api_key', 'authorization', 'cookie']
const redact = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

const wrap = (logger: pino.Logger): Log => {
  const say = (level: 'debug' | 'info' | 'warn' | 'error') => (message: string, fields?: LogFields) => {
    const { error, ...rest } = fields ?? {}
    logger[level](error instanceof Error ? { ...rest, err: error } : { ...fields }, message)
  }
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (fields) => wrap(logger.child(fields)),
  }
}

/** @param destination where lines go, one JSON object each; standard error by default */
export const createPinoLog = (
  level: LogLevel,
  destination: { write(line: string): void } = pino.destination({ dest: 2, sync: true }),
): Log => wrap(pino({ level, redact: { paths: redact, censor: '[redacted]' }, base: null }, destination))
