/** `troupe dev`: a server in a separate process, which restarts when a file changes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { watch } from 'node:fs'
import type { CommandContext } from './cli-command.ts'
import { type ExitCode, exitCodes } from './exit-codes.ts'
import type { GlobalFlags } from './global-flags.ts'

/** Editors write a file in several goes. */
const debounceMs = 200
const passed = /(^|[\\/])(node_modules|\.git|data|dist|reports)([\\/]|$)|\.(db(-\w+)?|log)$/

/** Drains the server if `troupe dev` is killed: a server that stays would own the port and the database. */
const endsWithParent = "data:text/javascript,process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))"

export async function develop({ flags, out, signal }: CommandContext, more: readonly string[]): Promise<ExitCode> {
  const args = serveArguments(flags, more)
  let child: ChildProcess | undefined
  let restartTimer: NodeJS.Timeout | undefined
  let changing = Promise.resolve()
  const begin = () => {
    const begun = spawn(process.execPath, [`--import=${endsWithParent}`, process.argv[1] as string, ...args], {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    begun.once('exit', (code) => {
      if (code && !signal.aborted) out.note(`The server ended with ${code}. It restarts when a file changes.`)
    })
    child = begun
  }
  const end = async () => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  const watcher = watch('.', { recursive: true }, (_, name) => {
    if (name === null || passed.test(name)) return
    clearTimeout(restartTimer)
    restartTimer = setTimeout(() => {
      out.note(`${name} changed: restarting.`)
      changing = changing.then(end).then(() => {
        if (!signal.aborted) begin()
      })
    }, debounceMs)
  })
  begin()
  if (!signal.aborted) await once(signal, 'abort')
  clearTimeout(restartTimer)
  watcher.close()
  await changing
  await end()
  return exitCodes.ok
}

/** Returns the arguments of the server: the global flags that `serve` reads, and its own. */
export function serveArguments(
  { config, storage, profile, teamFile, json, debug }: GlobalFlags,
  more: readonly string[],
): readonly string[] {
  const values = { '--config': config, '--storage': storage, '--profile': profile, '--team-file': teamFile }
  return [
    ...['serve', ...more],
    ...Object.entries(values).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value])),
    ...(json ? ['--json'] : []),
    ...(debug ? ['--debug'] : []),
  ]
}
