/** The command line: reads the arguments, executes the command and returns an exit code of docs/cli.md. */
import { Console } from 'node:console'
import { CommanderError } from 'commander'
import { version } from '../core/index.ts'
import { openCommandContext } from './command-context.ts'
import {
  type CliError,
  commandFailure,
  complaintOf,
  type ExitCode,
  exitCodes,
  misused,
  withOptionName,
} from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'
import { safe } from './output/safe.ts'
import { withoutSecrets } from './output/without-secrets.ts'
import { createProgram } from './program.ts'

/** Returns the exit code. The first Ctrl-C ends the command, a second one the process. */
export async function main(argv: readonly string[]): Promise<ExitCode> {
  const stop = stopped()
  let exit: ExitCode = exitCodes.ok
  let isExecuting = false
  let unwritable: NodeJS.ErrnoException | undefined
  let secrets: readonly string[] = []
  // JSON also if the failure occurs before flags are read.
  let flagsSoFar: GlobalFlags = argv.includes('--json') ? { json: true } : {}
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (unwritable) return
      unwritable = error
      if (stream === process.stdout && !isClosedPipe(error)) complain(unwritten(error), flagsSoFar, secrets)
      // A server finishes its work, as with Ctrl-C.
      if (isExecuting) stop.abort()
      else process.exit(exitWithout(error, exit))
    })
  // Thrown by code of agents and tools outside of any awaited call, so the state of the process is unknown.
  process.on('uncaughtException', (error) => {
    complain(error, { ...flagsSoFar, debug: true }, secrets)
    process.exit(exitCodes.failed)
  })
  const program = createProgram({
    version,
    quiet: flagsSoFar.json === true,
    async carryOut(flags, work) {
      flagsSoFar = flags
      // The output of agents is not part of the answer.
      if (flags.json) globalThis.console = new Console(process.stderr)
      // Timers inside a troupe do not keep the process alive.
      const alive = setInterval(() => {}, 2 ** 30)
      isExecuting = true
      try {
        await using context = openCommandContext(flags, stop.signal)
        try {
          exit = (await work(context)) ?? exitCodes.ok
        } finally {
          secrets = context.secrets
          if (context.debugs) flagsSoFar = { ...flagsSoFar, debug: true }
        }
      } finally {
        isExecuting = false
        clearInterval(alive)
      }
    },
  })
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok
    if (error instanceof CommanderError)
      return flagsSoFar.json ? complain(asMisused(error), flagsSoFar, secrets) : exitCodes.usage
    if (unwritable) return exitWithout(unwritable, exitCodes.interrupted)
    // A command that was interrupted by Ctrl-C reports no error.
    if (stop.signal.aborted && (error as Error).name === 'AbortError') return exitCodes.interrupted
    const code = complain(error, flagsSoFar, secrets, argv)
    return stop.signal.aborted ? exitCodes.interrupted : code
  }
  return unwritable ? exitWithout(unwritable, exit) : exit
}

/** Whether the reader has closed the pipe, as in `troupe runs list | head`. */
const isClosedPipe = ({ code }: NodeJS.ErrnoException): boolean => code === 'EPIPE'

/** Returns the exit code of a command whose output could not be written: a closed pipe is no error. */
function exitWithout(error: NodeJS.ErrnoException, exit: ExitCode): ExitCode {
  if (!isClosedPipe(error)) return exitCodes.failed
  return exit === exitCodes.interrupted ? exitCodes.ok : exit
}

/** Converts an error of commander, which commander would print as text. */
function asMisused({ code, message }: CommanderError): CliError {
  if (code === 'commander.help') return misused('No command is named.', 'Add --help to see its options.')
  const [text = '', nearest] = message.replace(/^error: /, '').split('\n')
  return misused(text, nearest?.replace(/^\((.*)\)$/, '$1') ?? 'Add --help to see its options.')
}

const unwritten = ({ message }: Error): CliError =>
  commandFailure('output.unwritten', exitCodes.failed, { problem: message })

/** Aborts with the first signal; a second one ends the process, for the journal is durable at every moment. */
function stopped(): AbortController {
  const stop = new AbortController()
  for (const [name, exit] of [
    ['SIGINT', exitCodes.interrupted],
    ['SIGTERM', exitCodes.terminated],
  ] as const) {
    let isInterrupted = false
    process.on(name, () => {
      // At a Ctrl-C `troupe dev` ends the server that has heard it too: that is no second one.
      if (isInterrupted) process.exit(exit)
      isInterrupted = true
      stop.abort()
    })
  }
  return stop
}

function complain(
  error: unknown,
  { json, debug }: GlobalFlags,
  secrets: readonly string[],
  argv: readonly string[] = [],
): ExitCode {
  const { exit, stack, ...complaint } = complaintOf(error)
  const fields = { ...complaint, message: withOptionName(complaint.message, argv) }
  const writeError = (text: string) => process.stderr.write(`${withoutSecrets(text, process.env, secrets)}\n`)
  if (json) writeError(JSON.stringify({ error: fields }))
  else {
    writeError(safe(fields.message))
    if (fields.hint) writeError(safe(fields.hint))
    if (debug && stack) writeError(safe(stack))
  }
  return exit
}
