/**
 * Executes JavaScript and TypeScript in a separate Node process under Node's permission model: of the host it can access only
 * its own folder, no child processes, threads or native modules, and its environment is empty. The network and Unix sockets
 * are open, because the permission model of Node 24 does not close them: use this engine only for code that is trusted not
 * to send data away.
 */
import { availableParallelism } from 'node:os'
import { checkOptions, invalidInput } from '../../core/index.ts'
import type { SandboxEngine, SandboxRequest } from '../sandbox-port.ts'
import { type Folders, runInFolder } from './run-in-folder.ts'

/** The options of `processSandbox`. */
export interface ProcessSandboxOptions {
  /**
   * The effect class of an execution: what happens after a crash during it. `at-most-once` by default, because the code
   * can use the network.
   */
  readonly effect?: SandboxEngine['effect']
}

/**
 * Ends the process when that of the troupe is gone, which closes file descriptor 3. Removes what the permission model of
 * Node 24 leaves open: signals to other processes, of which one opens the debugger of the troupe's own process, their
 * priority, and flags of V8, which raise the limit of memory and write files.
 */
const prelude = `import { Socket } from 'node:net'
import os from 'node:os'
import v8 from 'node:v8'
new Socket({ fd: 3 }).once('close', () => process.exit()).resume().unref()
import { syncBuiltinESMExports } from 'node:module'
for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd']) delete process[name]
delete os.setPriority
delete v8.setFlagsFromString
syncBuiltinESMExports()`

const effects: readonly unknown[] = ['read', 'idempotent', 'at-most-once']

/**
 * Returns the engine `process` for `node` and `node-typescript`. It needs no package. The code has all of Node's
 * modules that need no permission, and the network.
 * @example createTroupe({ storage, sandbox: { engines: [quickJsSandbox(), processSandbox()] } })
 */
export function processSandbox(options: ProcessSandboxOptions = {}): SandboxEngine {
  checkOptions('processSandbox', options, ['effect'])
  const { effect = 'at-most-once' } = options
  if (!effects.includes(effect)) throw invalidInput('processSandbox.effect', `it must be one of ${effects.join(', ')}`)
  const run = (request: SandboxRequest) =>
    runInFolder(request, {
      engine: 'process',
      mainName: `main.${request.language === 'node' ? 'mjs' : 'mts'}`,
      commandOf: (folders) => boundedCommand(request, argumentsOf(request, folders)),
    })
  return { name: 'process', languages: ['node', 'node-typescript'], effect, run }
}

const argumentsOf = ({ memoryMb }: SandboxRequest, { folder, work, main }: Folders): readonly string[] => [
  '--permission',
  `--allow-fs-read=${folder}`,
  `--allow-fs-write=${work}`,
  `--max-old-space-size=${memoryMb}`,
  '--disable-warning=ExperimentalWarning',
  // SQLite opens and writes any file.
  '--no-experimental-sqlite',
  `--import=data:text/javascript,${encodeURIComponent(prelude)}`,
  main,
]

/**
 * Returns a command with a limit of CPU time, which code can reach only if no process ends it at its timeout: a loop that is
 * left over from a process that was killed. The shell adds variables to the environment, and env removes them. Windows has
 * no such limit.
 */
function boundedCommand({ timeoutMs }: SandboxRequest, args: readonly string[]) {
  if (process.platform === 'win32') return { command: process.execPath, args }
  const cpuSeconds = Math.ceil(timeoutMs / 1_000) * availableParallelism() + 1
  return {
    command: '/bin/sh',
    args: ['-c', `ulimit -t ${cpuSeconds}; exec /usr/bin/env -i "$@"`, 'sh', process.execPath, ...args],
  }
}
