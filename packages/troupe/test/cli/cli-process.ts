/** The program as it is installed: built, in a process of its own, in a folder of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const packageFolder = join(import.meta.dirname, '../..')
export const program = join(packageFolder, 'bin/troupe.js')

export interface Ended {
  readonly code: number | null
  readonly out: string
  readonly error: string
}
export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  /** Where it is not the folder itself. */
  readonly cwd?: string
}

/** Nothing of whoever runs the tests: neither settings nor a terminal. */
export const environment = (more: Readonly<Record<string, string>> = {}) => ({
  PATH: process.env.PATH ?? '',
  HOME: tmpdir(),
  XDG_CACHE_HOME: join(packageFolder, '../../node_modules/.cache'),
  ...more,
})

export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'troupe-cli-'))
  readonly #running = new Set<ChildProcessWithoutNullStreams>()

  constructor() {
    // Where npm would have put them.
    const modules = join(this.path, 'node_modules')
    mkdirSync(modules)
    symlinkSync(packageFolder, join(modules, 'troupe'))
    symlinkSync(join(packageFolder, '../../node_modules/zod'), join(modules, 'zod'))
  }

  spawn(args: readonly string[], { env, cwd = this.path }: ProgramOptions = {}): ChildProcessWithoutNullStreams {
    const child = spawn(process.execPath, [program, ...args], { cwd, env: environment(env) })
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }

  async run(args: readonly string[], options: ProgramOptions = {}): Promise<Ended> {
    const child = this.spawn(args, options)
    child.stdin.end(options.input ?? '')
    return ended(child)
  }

  /** @throws Error with all that it said where it ends otherwise, or is no JSON */
  async json<T>(args: readonly string[], options: ProgramOptions & { readonly code?: number } = {}): Promise<T> {
    const { code, out, error } = await this.run([...args, '--json'], options)
    if (code !== (options.code ?? 0)) throw new Error(`troupe ${args.join(' ')} ended with ${code}: ${out}${error}`)
    return JSON.parse(out) as T
  }

  [Symbol.dispose](): void {
    for (const child of this.#running) child.kill('SIGKILL')
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}

export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const [out, error, code] = await Promise.all([
    all(child.stdout),
    all(child.stderr),
    new Promise<number | null>((resolve) => child.once('close', resolve)),
  ])
  return { code, out, error }
}

async function all(stream: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk
  return text
}

/** Reads until it has said so. */
export async function untilPrinted(child: ChildProcessWithoutNullStreams, what: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (chunk: Buffer) => {
      text += chunk
      if (what.test(text)) resolve(text)
    }
    child.stdout.on('data', onData)
    child.stderr.on('data', onData)
    child.once('close', (code) => reject(new Error(`It ended with ${code}, and never said ${what}: ${text}`)))
  })
}
