/** Servers and workers of the command line as processes of their own, on one PostgreSQL. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A folder with what is published, and below it the folder of a team. */
export interface Build {
  readonly folder: string
  readonly team: string
}
const own = join(import.meta.dirname, '../..')
export const ownBuild: Build = { folder: own, team: join(import.meta.dirname, 'team') }

export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export interface Started {
  readonly child: ChildProcess
  /** Of a server. */
  readonly url: string | undefined
  readonly ended: Promise<readonly [code: number | null, signal: string | null]>
}

export class Processes {
  readonly #env: Readonly<Record<string, string>>
  readonly #build: Build
  readonly #started: Started[] = []

  /** @param env what says where the database is, and the keys */
  constructor(env: Readonly<Record<string, string>>, build = ownBuild) {
    this.#env = env
    this.#build = build
  }

  /** Resolves when it serves or works. @throws with what it said where it ends before */
  async start(...command: readonly string[]): Promise<Started> {
    const { child, ended } = this.#spawn(command)
    const output: string[] = []
    child.stderr?.setEncoding('utf8').on('data', (text: string) => output.push(text))
    const up = Promise.withResolvers<string | undefined>()
    createInterface(child.stdout as NodeJS.ReadableStream).on('line', (line) => {
      const { type, url } = JSON.parse(line) as { readonly type?: string; readonly url?: string }
      if (type === 'serving' || type === 'working') up.resolve(url)
    })
    ended.then(([code]) => up.reject(new Error(`${command.join(' ')} ended with ${code}: ${output.join('')}`)))
    const started = { child, ended, url: await up.promise }
    this.#started.push(started)
    return started
  }

  /** @returns whether it ended well */
  async stop({ child, ended }: Started): Promise<boolean> {
    child.kill('SIGTERM')
    const [code] = await ended
    return code === 0
  }

  /** @throws with what it said where it fails */
  async run(...command: readonly string[]): Promise<void> {
    const { child, ended } = this.#spawn(command)
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => output.push(text))
    const [code] = await ended
    if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${output.join('')}`)
  }

  async close(): Promise<void> {
    for (const { child, ended } of this.#started) {
      child.kill('SIGKILL')
      await ended
    }
  }

  #spawn(command: readonly string[]): Pick<Started, 'child' | 'ended'> {
    const { folder, team } = this.#build
    const child = spawn(process.execPath, [join(folder, 'dist/bundle/cli.js'), ...command, '--json'], {
      cwd: team,
      env: { PATH: process.env.PATH, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    return { child, ended: once(child, 'exit') as Promise<[number | null, string | null]> }
  }
}
