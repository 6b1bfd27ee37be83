/**
 * Logs by pino: JSON lines, or formatted ones for people, on standard error, so that standard output belongs to the
 * program. Each line has the run, step, agent and trace of its event context. A destination that fails loses lines,
 * and has no other effect.
 */
import { EventEmitter } from 'node:events'
import { Writable } from 'node:stream'
import pino from 'pino'
import {
  checkOptions,
  type EventContext,
  invalidInput,
  listOf,
  redacted,
  stackOf,
  storeError,
} from '../../core/index.ts'
import { type Log, type LogFields, type LogLevel, logLevels, speaks } from './log.ts'
import { redactSecretFields } from './redact-secret-fields.ts'

/** A destination of log lines. */
export interface LogSink {
  /** Writes a line, which ends with a line break. An error that it throws loses the line. */
  write(line: string): unknown
}
/** A destination of pino that selects lines by the level that pino sets here before each line, as `pino.multistream` does. */
interface LevelSink extends LogSink {
  readonly [pino.symbols.needsMetadataGsym]: true
  lastLevel: number
}

/** The log options; a level alone is short for `{ level }`. */
export interface LogConfig {
  /** `warn` by default. */
  readonly level?: LogLevel
  /** `json` lines, or `pretty` ones for people; `auto`, the default, is `pretty` on a terminal. */
  readonly format?: 'json' | 'pretty' | 'auto'
  /** Paths of fields whose values are never logged, besides those of secrets: `['order.card', '*.iban']`. */
  readonly redact?: readonly string[]
  /** The destination of lines; standard error by default. Errors of a stream lose lines and have no other effect. */
  readonly destination?: LogSink
}

export interface PinoLogOptions extends LogConfig {
  /** True if standard error is a terminal. */
  readonly terminal?: boolean
  /** Removes registered secrets from each complete line. */
  readonly redactText?: (line: string) => string
  readonly eventContext?: () => EventContext | undefined
}

const adapt = '; for pino and winston see "Logs" in docs/observability.md'

/** @throws ValidationError for an unknown option, level, format or path */
export function checkLogConfig(config: LogLevel | LogConfig): LogConfig {
  const logConfig: LogConfig = typeof config === 'string' ? { level: config } : config
  checkOptions('log', logConfig, ['level', 'format', 'redact', 'destination'])
  if (logConfig.level !== undefined && !logLevels.includes(logConfig.level))
    throw invalidInput('log', `its level is not one of ${logLevels.join(', ')}`)
  if (logConfig.format !== undefined && !['json', 'pretty', 'auto'].includes(logConfig.format))
    throw invalidInput('log.format', 'it is not one of json, pretty, auto')
  if (logConfig.destination !== undefined && typeof logConfig.destination.write !== 'function')
    throw invalidInput('log.destination', `it has no write(line)${adapt}`)
  if ((logConfig.destination as Partial<Writable> | undefined)?.writableObjectMode === true)
    throw invalidInput('log.destination', `it is a stream of objects, and lines are strings${adapt}`)
  if (
    logConfig.redact !== undefined &&
    !listOf('log.redact', logConfig.redact).every((path) => typeof path === 'string')
  )
    throw invalidInput('log.redact', 'it must be a list of paths')
  return logConfig
}

/**
 * Loads the printer for people only where it is used.
 * @example const log = await createPinoLog({ level: 'info', format: 'json' })
 */
export async function createPinoLog(options: PinoLogOptions = {}): Promise<Log> {
  const { level = 'warn', format = 'auto', redact = [], eventContext } = options
  const shown = format === 'pretty' || (format === 'auto' && options.terminal === true && !options.destination)
  const lines = { written: 0, lost: 0 }
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true })
  handleErrors(destination, lines)
  const sink = guarded(destination, lines, options.redactText)
  const logger = pino(
    {
      // The level is checked here, so that a change applies to children too.
      level: 'trace',
      serializers: { err: serializeError },
      // Takes a large part of a line's time, so it is used only if paths are configured.
      ...(redact.length > 0 ? { redact: { paths: [...redact], censor: redacted } } : {}),
      base: null,
    },
    shown
      ? (await import('pino-pretty')).default({
          destination: asStream(sink),
          colorize: options.terminal === true,
          sync: true,
        })
      : sink,
  )
  return wrap(logger, { level, lines, eventContext })
}

interface Lines {
  written: number
  lost: number
}
interface Shared {
  level: LogLevel
  readonly lines: Lines
  readonly eventContext: (() => EventContext | undefined) | undefined
}

function wrap(logger: pino.Logger, shared: Shared): Log {
  const logAt =
    (level: Exclude<LogLevel, 'silent'>) =>
    (message: string, fields: LogFields = {}) => {
      if (!speaks(shared.level, level)) return
      try {
        const { error, ...rest } = fields
        const logFields =
          error instanceof Error ? { ...redactSecretFields(rest), err: error } : redactSecretFields(fields)
        // Added here, because pino's mixin takes several times the rest of a line.
        logger[level]({ ...shared.eventContext?.(), ...logFields }, message)
      } catch {
        // A line that cannot be written must not fail its cause.
        shared.lines.lost++
      }
    }
  return {
    get lines() {
      return { ...shared.lines }
    },
    get level() {
      return shared.level
    },
    set level(level) {
      if (!logLevels.includes(level))
        throw invalidInput('The level of the log', `it is not one of ${logLevels.join(', ')}`)
      shared.level = level
    },
    debug: logAt('debug'),
    info: logAt('info'),
    warn: logAt('warn'),
    error: logAt('error'),
    child: (fields) => wrap(logger.child(redactSecretFields(fields)), shared),
  }
}

/** Returns the fields of an error; of one with a field that cannot be read, its name, message and stack. */
function serializeError(error: Error): object {
  try {
    return redactSecretFields(pino.stdSerializers.err(error))
  } catch {
    const { name, message } = storeError(error)
    return { type: name, message, stack: stackOf(error) }
  }
}

/** Marks a listener of a log, since logs may share a stream, and a warning follows many listeners. */
const ofLog = Symbol('of a log')

/**
 * A stream reports later that its disk is full or its pipe has no reader, and an error without a listener would end the process.
 * Each line of a Writable is counted by its callback.
 */
function handleErrors(destination: LogSink, lines: Lines): void {
  if (!(destination instanceof EventEmitter)) return
  if (destination.listeners('error').some((listener) => ofLog in listener)) return
  const handle = () => {
    if (!(destination instanceof Writable)) lose(lines)
  }
  destination.on('error', Object.assign(handle, { [ofLog]: true }))
}

function lose(lines: Lines): void {
  lines.written--
  lines.lost++
}

const isLevelSink = (sink: LogSink): sink is LevelSink =>
  (sink as Partial<LevelSink>)[pino.symbols.needsMetadataGsym] === true

const guarded = (sink: LogSink, lines: Lines, redactText: (line: string) => string = (line) => line): LevelSink => ({
  [pino.symbols.needsMetadataGsym]: true,
  // A formatted line has no level, so that a sink that selects by it gets each of them.
  lastLevel: Number.POSITIVE_INFINITY,
  write(line) {
    lines.written++
    try {
      if (isLevelSink(sink)) sink.lastLevel = this.lastLevel
      const text = redactText(line)
      if (sink instanceof Writable) sink.write(text, (error) => error && lose(lines))
      else {
        const written: unknown = sink.write(text)
        if (written instanceof Promise) written.catch(() => lose(lines))
      }
    } catch {
      // A full disk, a closed pipe.
      lose(lines)
    }
  },
})

/** The options of pino-pretty. */
const asStream = (sink: LogSink): NodeJS.WritableStream =>
  new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      sink.write(String(chunk))
      done()
    },
  })
