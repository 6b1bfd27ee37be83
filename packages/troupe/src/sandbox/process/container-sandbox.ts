/**
 * Executes programs in containers of Docker or Podman: one for each run, without network, capabilities or writable files of
 * the image. The code writes to its own folder, which is mounted, and to a temporary one in memory alone.
 */
import { spawn, spawnSync } from 'node:child_process'
import { basename } from 'node:path'
import { checkOptions, checkPath, invalidInput, isListOf, isText } from '../../core/index.ts'
import type { SandboxEngine, SandboxRequest } from '../sandbox-port.ts'
import { exitCodeOf, type ProgramLanguage, programLanguages } from './program-languages.ts'
import { type Folders, runInFolder } from './run-in-folder.ts'

/** The options of `containerSandbox`. */
export interface ContainerSandboxOptions {
  /** The image, which must be present: nothing is downloaded. `node:24-slim` executes everything but Python. */
  readonly image: string
  /** The program: `docker` by default; `podman`, or a path. */
  readonly command?: string
  /** Arguments before `run`, as `['--context', 'remote']`. */
  readonly arguments?: readonly string[]
  /** Further arguments of `run`, as `['--runtime', 'runsc']`. A run may be repeated, so none may open a network. */
  readonly runArguments?: readonly string[]
}

const languages = programLanguages('node')
/** The first process of a container gets no signal without a handler, so a program could not abort there. */
const belowShell = ['/bin/sh', '-c', '"$@"; exit "$?"', 'sh']
const label = 'troupe.sandbox'
/** A command of Docker ends with this code if it did not start the container. */
const notStarted = 125
/** The time in ms between two attempts to end a container. */
const killMs = 500
/** Processes and threads of one run. */
const maxProcesses = 256

/**
 * Returns the engine `container` for `node`, `node-typescript`, `shell` and `python`, if the image has those programs. It
 * needs Docker or Podman on this host. If the process of the troupe is killed during a run, its container ends by its limit
 * of processor time; `docker ps --filter label=troupe.sandbox` lists the containers.
 * @throws ValidationError `validation.failed`
 * @example createTroupe({ storage, sandbox: { engines: [containerSandbox({ image: 'node:24-slim' })] } })
 */
export function containerSandbox(options: ContainerSandboxOptions): SandboxEngine {
  checkOptions('containerSandbox', options, ['image', 'command', 'arguments', 'runArguments'])
  const { image, command = 'docker', arguments: before = [], runArguments = [] } = options
  checkPath('containerSandbox.command', command)
  // A text with a dash at its start would be an option.
  if (typeof image !== 'string' || !/^[\w]/.test(image))
    throw invalidInput('containerSandbox.image', 'it must be the name of an image')
  for (const [name, list] of Object.entries({ arguments: before, runArguments }))
    if (!isListOf(list, isText)) throw invalidInput(`containerSandbox.${name}`, 'it must be a list of texts')
  const env = process.env as Record<string, string>
  return {
    name: 'container',
    languages: Object.keys(languages),
    effect: 'read',
    obstacle: () => obstacleOf(command, [...before, 'image', 'inspect', image]),
    async run(request) {
      const language = languages[request.language] as ProgramLanguage
      const output = await runInFolder(request, {
        engine: 'container',
        mainName: `main.${language.extension}`,
        env,
        commandOf: (folders) => {
          const isolated = ['--name', nameOf(folders), ...isolation(request, folders, language), ...runArguments, image]
          const inside = language.commandOf(insideOf(language), request)
          return { command, args: [...before, 'run', ...isolated, ...belowShell, ...inside] }
        },
        end: ({ folders }) => killContainer(command, [...before, 'kill', nameOf(folders)], env),
        problemOf: ({ code, stderr }) =>
          code === notStarted ? stderr.trim().split('\n').at(-1) || 'it did not start' : undefined,
      })
      return { ...output, exitCode: exitCodeOf(output.exitCode) }
    },
  }
}

/** The temporary folder of a run has a name that no other has. */
const nameOf = ({ folder }: Folders) => basename(folder)
const insideOf = ({ extension }: ProgramLanguage) => `/code/main.${extension}`

function isolation(
  { memoryMb, changedBytes, timeoutMs }: SandboxRequest,
  { work, main }: Folders,
  language: ProgramLanguage,
): readonly string[] {
  const memory = `${memoryMb + (language.boundsMemory ? nodeOverheadMb : 0)}m`
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  return [
    ...['--rm', '--pull', 'never', '--label', label, '--network', 'none', '--read-only', '--cap-drop', 'ALL'],
    ...['--security-opt', 'no-new-privileges', '--user', user, '--pids-limit', `${maxProcesses}`],
    ...['--memory', memory, '--memory-swap', memory, '--tmpfs', `/tmp:rw,size=${memoryMb}m`],
    ...['--ulimit', `fsize=${changedBytes}:${changedBytes}`, '--ulimit', 'nofile=1024:1024', '--ulimit', 'core=0:0'],
    ...['--ulimit', `cpu=${Math.ceil(timeoutMs / 1_000) + 1}`, '--env', 'HOME=/work', '--workdir', '/work'],
    ...['--volume', `${work}:/work:rw`, '--volume', `${main}:${insideOf(language)}:ro`],
  ]
}

/** The memory of Node beside its heap. */
const nodeOverheadMb = 64

/** Ends a container, which may not have started yet. Tries until the returned function is called. */
function killContainer(command: string, args: readonly string[], env: Readonly<Record<string, string>>): () => void {
  const kill = () => spawn(command, args, { env, stdio: 'ignore' }).once('error', () => {})
  const timer = setInterval(kill, killMs)
  kill()
  return () => clearInterval(timer)
}

/** Returns why containers of the image cannot be started on this host. */
function obstacleOf(command: string, args: readonly string[]): string | undefined {
  const { error, status, stderr } = spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 })
  if (error) return error.message
  return status === 0 ? undefined : stderr.trim().split('\n').at(-1) || `it ended with status ${status}`
}
