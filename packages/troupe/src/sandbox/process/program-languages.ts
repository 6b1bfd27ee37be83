/** The languages of engines that execute programs, and the command of each. */
import type { SandboxRequest } from '../sandbox-port.ts'

export interface ProgramLanguage {
  readonly extension: string
  /** The program with its arguments. @param main the path of the code */
  readonly commandOf: (main: string, request: SandboxRequest) => readonly string[]
  /** Whether the program bounds its own memory. */
  readonly boundsMemory?: true
}

/** @param node the path of Node, where the code is executed */
export function programLanguages(node: string): Readonly<Record<string, ProgramLanguage>> {
  const commandOf: ProgramLanguage['commandOf'] = (main, { memoryMb }) => [
    node,
    `--max-old-space-size=${memoryMb}`,
    '--disable-warning=ExperimentalWarning',
    main,
  ]
  return {
    node: { extension: 'mjs', commandOf, boundsMemory: true },
    'node-typescript': { extension: 'mts', commandOf, boundsMemory: true },
    shell: { extension: 'sh', commandOf: (main) => ['/bin/sh', main] },
    python: { extension: 'py', commandOf: (main) => ['/usr/bin/env', 'python3', main] },
  }
}

/** The exit code of Node when it ends without memory: SIGABRT. The output has 137, as for other programs. */
const nodeAborted = 134

export const exitCodeOf = (code: number): number => (code === nodeAborted ? 137 : code)
