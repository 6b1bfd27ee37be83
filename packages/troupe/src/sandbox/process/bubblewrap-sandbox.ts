/**
 * Executes programs under bubblewrap, in namespaces of Linux: no network, no processes and no files of the host but its
 * programs, which are read-only. The code writes to its own folder and to a temporary one in memory alone.
 */
import { spawnSync } from 'node:child_process'
import { checkOptions, checkPath } from '../../core/index.ts'
import type { SandboxEngine, SandboxRequest } from '../sandbox-port.ts'
import { exitCodeOf, type ProgramLanguage, programLanguages } from './program-languages.ts'
import { type Folders, type RunningCommand, runInFolder } from './run-in-folder.ts'

/** The options of `bubblewrapSandbox`. */
export interface BubblewrapSandboxOptions {
  /** The path of bubblewrap 0.8 or newer; `/usr/bin/bwrap` by default. */
  readonly path?: string
}

/** The time in ms between two looks for the process to end, and the number of looks. */
const look = { everyMs: 10, times: 500 }
const node = '/run/node'
const languages = programLanguages(node)

/** The programs of the host, which the code can read and execute. */
const programs = [
  ...['--ro-bind', '/usr', '/usr'],
  ...['/bin', '/lib', '/lib64', '/etc/alternatives', '/etc/ld.so.cache'].flatMap((path) => [
    '--ro-bind-try',
    path,
    path,
  ]),
]
const isolation = [
  ...['--unshare-all', '--unshare-user', '--disable-userns', '--uid', '65534', '--gid', '65534'],
  ...['--cap-drop', 'ALL', '--new-session', '--die-with-parent', '--clearenv'],
  ...['--setenv', 'PATH', '/usr/local/bin:/usr/bin:/bin', '--setenv', 'HOME', '/work', '--setenv', 'LANG', 'C.UTF-8'],
]
/** A file in blocks of 512 bytes, as the shell limits it. */
const block = 512
const mebibyte = 1024 * 1024

/**
 * Returns the engine `bubblewrap` for `node`, `node-typescript`, `shell` and `python`, if those programs are installed. It
 * needs Linux with bubblewrap (`apt-get install bubblewrap`) and user namespaces.
 * @example createTroupe({ storage, sandbox: { engines: [quickJsSandbox(), bubblewrapSandbox()] } })
 */
export function bubblewrapSandbox(options: BubblewrapSandboxOptions = {}): SandboxEngine {
  checkOptions('bubblewrapSandbox', options, ['path'])
  const { path = '/usr/bin/bwrap' } = options
  checkPath('bubblewrapSandbox.path', path)
  return {
    name: 'bubblewrap',
    languages: Object.keys(languages),
    effect: 'read',
    obstacle: () => obstacleOf(path),
    async run(request) {
      const language = languages[request.language] as ProgramLanguage
      const mainName = `main.${language.extension}`
      const output = await runInFolder(request, {
        engine: 'bubblewrap',
        mainName,
        commandOf: (folders) => ({ command: path, args: argumentsOf(request, language, folders) }),
        end: killInside,
        // Without the exit code in its status, bubblewrap did not execute the program.
        problemOf: ({ status, stderr }) =>
          status.includes('"exit-code"') ? undefined : stderr.split('\n')[0] || 'it did not start',
      })
      return { ...output, exitCode: exitCodeOf(output.exitCode) }
    },
  }
}

/**
 * Kills the first process inside the isolation, and with it all others. Without bubblewrap it would go on if bubblewrap is
 * killed before that process has asked to die with it, so the search goes on until bubblewrap has written its id.
 * @returns what stops the search
 */
function killInside({ status, kill }: RunningCommand): () => void {
  let looks = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const tryNow = () => {
    const inside = /"child-pid": (\d+)/.exec(status())?.[1]
    if (inside !== undefined) return killProcess(Number(inside))
    // Bubblewrap hangs before it has started a process.
    if (++looks > look.times) return kill()
    timer = setTimeout(tryNow, look.everyMs)
  }
  tryNow()
  return () => clearTimeout(timer)
}

function killProcess(id: number): void {
  try {
    process.kill(id, 'SIGKILL')
  } catch {
    // It has ended.
  }
}

/** @returns the arguments of bubblewrap: where the code is, and the command within */
function argumentsOf(request: SandboxRequest, language: ProgramLanguage, { work, main }: Folders): readonly string[] {
  const inside = `/run/main.${language.extension}`
  const memory = language.boundsMemory ? '' : `ulimit -v ${request.memoryMb * 1_024}; `
  const limits = `ulimit -f ${Math.ceil(request.changedBytes / block)}; ${memory}`
  return [
    ...isolation,
    ...programs,
    ...['--proc', '/proc', '--dev', '/dev', '--size', String(request.memoryMb * mebibyte), '--tmpfs', '/tmp'],
    ...['--ro-bind', process.execPath, node, '--ro-bind', main, inside, '--bind', work, '/work'],
    ...['--remount-ro', '/', '--chdir', '/work', '--json-status-fd', '3'],
    ...['/bin/sh', '-c', `${limits}exec "$@"`, 'sh', ...language.commandOf(inside, request)],
  ]
}

/** Returns why bubblewrap cannot isolate a program on this host. */
function obstacleOf(path: string): string | undefined {
  const { error, status, stderr } = spawnSync(path, [...isolation, ...programs, '/bin/true'], {
    env: {},
    encoding: 'utf8',
    timeout: 5_000,
  })
  if (error) return error.message
  return status === 0 ? undefined : stderr.split('\n')[0] || `it ended with status ${status}`
}
