/**
 * Executes JavaScript and TypeScript in a separate Node process under Node's permission model: of the host it can access only
 * its own folder, no child processes, threads or native modules, and its environment is empty. The network is open, because
 * the permission model of Node 24 does not close it: use this engine only for code that is trusted not to send data away.
 */
import { checkOptions, failure } from '../../core/index.ts'
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

const effects: readonly unknown[] = ['read', 'idempotent', 'at-most-once']

/**
 * Returns the engine `process` for `node` and `node-typescript`. It needs no package. The code has all of Node's
 * modules that need no permission, and the network.
 * @example createTroupe({ storage, sandbox: { engines: [quickJsSandbox(), processSandbox()] } })
 */
export function processSandbox(options: ProcessSandboxOptions = {}): SandboxEngine {
  checkOptions('processSandbox', options, ['effect'])
  const { effect = 'at-most-once' } = options
  if (!effects.includes(effect))
    throw failure('validation.failed', {
      what: 'processSandbox.effect',
      problem: `it must be one of ${effects.join(', ')}`,
    })
  const run = (request: SandboxRequest) =>
    runInFolder(request, {
      engine: 'process',
      mainName: `main.${request.language === 'node' ? 'mjs' : 'mts'}`,
      commandOf: (folders) => ({ command: process.execPath, args: argumentsOf(request, folders) }),
    })
  return { name: 'process', languages: ['node', 'node-typescript'], effect, run }
}

const argumentsOf = ({ memoryMb }: SandboxRequest, { folder, work, main }: Folders): readonly string[] => [
  '--permission',
  `--allow-fs-read=${folder}`,
  `--allow-fs-write=${work}`,
  `--max-old-space-size=${memoryMb}`,
  '--disable-warning=ExperimentalWarning',
  main,
]
