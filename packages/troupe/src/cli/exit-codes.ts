/** The exit codes of the process; docs/cli.md lists them. */
import {
  type CatalogueEntry,
  catalogue,
  type ErrorCode,
  failure,
  type Json,
  stackOf,
  TroupeError,
} from '../core/index.ts'

export const exitCodes = {
  ok: 0,
  /** The command was executed and its subject failed: a run, a check, or a load test below its thresholds. */
  failed: 1,
  /** The command or the configuration is wrong; nothing was done. */
  usage: 2,
  denied: 3,
  missing: 4,
  /** The storage or the server cannot be reached, or is too busy. */
  unavailable: 5,
  /** The run waits for a person, and the terminal is not interactive. */
  waiting: 6,
  /** Ended by Ctrl-C, with the code that shells use. */
  interrupted: 130,
  /** Ended by a second SIGTERM, with the code that shells use. */
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The message to the person about an error, and the exit code. */
export interface Complaint {
  readonly code: string
  readonly message: string
  /** The hint of the error, otherwise that of the catalogue for its code. */
  readonly hint: string
  readonly exit: ExitCode
  readonly stack?: string
}

/** A failure of the command line itself. */
export class CliError extends Error {
  readonly code: string
  readonly hint: string | undefined
  readonly exit: ExitCode

  constructor(message: string, options: { readonly exit: ExitCode; readonly code?: string; readonly hint?: string }) {
    super(message)
    this.code = options.code ?? 'command.failed'
    this.hint = options.hint
    this.exit = options.exit
  }
}

/** @param values fill the message that the catalogue has for the code */
export function commandFailure(code: ErrorCode, exit: ExitCode, values: Readonly<Record<string, Json>>): CliError {
  const { message, hint = '' } = failure(code, values)
  return new CliError(message, { exit, code, hint })
}

export const misused = (message: string, hint?: string): CliError =>
  new CliError(message, { exit: exitCodes.usage, code: 'command.misused', ...(hint === undefined ? {} : { hint }) })

/** @param status of HTTP, under which the same failure is reported by a server */
export function exitOfStatus(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.denied
  if (status === 404 || status === 410) return exitCodes.missing
  if (status === 400 || status === 413 || status === 415 || status === 422) return exitCodes.usage
  if (status === 423 || status === 429 || status >= 502) return exitCodes.unavailable
  return exitCodes.failed
}

/** The codes whose status would be that of a failed server, but whose cause on the command line is another. */
const exitCodeOf: Readonly<Record<string, ExitCode>> = {
  'server.address_in_use': exitCodes.unavailable,
  'secret.missing': exitCodes.usage,
  // As `unwritable` reports other files of commands.
  'backup.disk_full': exitCodes.failed,
  'backup.unwritable': exitCodes.usage,
}

export function complaintOf(error: unknown): Complaint {
  const { code, message, hint } = (error ?? {}) as Partial<TroupeError>
  const stack = stackOf(error)
  const fields = {
    message: message ?? String(error),
    // The hint of the server names its routes, which a command hides.
    hint: code === 'request.invalid' ? advised('command.misused') : hint || advised(code),
    ...(stack ? { stack } : {}),
  }
  if (error instanceof CliError) return { ...fields, code: error.code, exit: error.exit }
  if (error instanceof TroupeError) {
    const isStorage = error.code.startsWith('storage.') && error.status >= 500
    const exit = exitCodeOf[error.code] ?? (isStorage ? exitCodes.unavailable : exitOfStatus(error.status))
    return { ...fields, code: error.code, exit }
  }
  return { ...fields, code: code ?? 'command.failed', exit: exitCodes.failed }
}

/** Returns the message with the option of the command in place of the field of its request: `query/status` is `--status`. */
export const withOptionName = (message: string, argv: readonly string[]): string =>
  message.replace(/^The request is invalid: (?:query|body)\/(\w+): /, (path: string, field: string) => {
    const option = `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    return argv.some((one) => one === option || one.startsWith(`${option}=`)) ? `${option} is not valid: ` : path
  })

/** Returns the hint of the catalogue for a code. A hint with placeholders is replaced by a reference to the log. */
function advised(code: string | undefined): string {
  const known: Readonly<Record<string, CatalogueEntry>> = catalogue
  const hint = code !== undefined && Object.hasOwn(known, code) ? known[code]?.hint : undefined
  return hint === undefined || /\{\w+\}/.test(hint) ? catalogue['command.failed'].hint : hint
}
