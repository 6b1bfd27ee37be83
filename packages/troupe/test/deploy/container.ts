/** Runs an image's programs as a container would: as its user, with its environment alone, over files that it cannot write. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, globSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Image } from './image.ts'

export class Container {
  readonly #image: Image
  readonly #env: Readonly<Record<string, string>>
  readonly #bin: string
  readonly #processes: ChildProcess[] = []

  /** @param env what `docker run --env` would say */
  constructor(image: Image, env: Readonly<Record<string, string>>) {
    this.#image = image
    this.#bin = join(image.root, 'usr/local/bin')
    mkdirSync(this.#bin, { recursive: true })
    copyFileSync(process.execPath, join(this.#bin, 'node'))
    this.#env = { ...image.env, ...env, PATH: `${this.#bin}:/usr/bin:/bin`, HOME: '/' }
    closeFiles(image)
  }

  start(command: readonly string[]): ChildProcess {
    const [program = '', ...rest] = command
    const [uid, gid] = this.#image.user.split(':').map(Number)
    const child = spawn(program === 'node' ? join(this.#bin, 'node') : program, rest, {
      cwd: this.#image.workdir,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      // Nobody but root may become another user.
      ...(process.getuid?.() === 0 && uid !== undefined && gid !== undefined ? { uid, gid } : {}),
    })
    this.#processes.push(child)
    return child
  }

  /** @returns its exit code, and what it said */
  async run(command: readonly string[]): Promise<{ readonly code: number | null; readonly output: string }> {
    const child = this.start(command)
    let output = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text) => (output += text))
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, output }
  }

  async close(): Promise<void> {
    for (const child of this.#processes)
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await once(child, 'exit')
      }
    execFileSync('chmod', ['-R', 'u+w', this.#image.root])
  }
}

/** Everything but the volumes is for reading. */
function closeFiles({ root, volumes }: Image): void {
  const open = volumes.map((volume) => join(root, volume))
  execFileSync('chmod', ['-R', 'a+rX,a-w', root])
  for (const folder of open) execFileSync('chmod', ['1777', folder])
}

/** What stands outside the volumes, with its time: the same before and after. */
export const filesOutside = ({ root, volumes }: Image): readonly string[] =>
  globSync('**/*', { cwd: root, exclude: (path) => volumes.some((volume) => `/${path}`.startsWith(volume)) }).sort()
