/**
 * A cluster of PostgreSQL of one's own, that can be stopped at once and started again. Its server is a user other than
 * root; its files are in a temporary folder that is gone with it.
 */
import { type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ClusterOptions {
  /** The folder of the server's programs. */
  readonly bin: string
  readonly port: number
  /** Of `postgres`: asked of everybody, by SCRAM. Without it everybody is let in. */
  readonly password?: string
  /** Of `postgresql.conf`. */
  readonly settings?: Readonly<Record<string, string>>
  /** Files beside the data, as `server.key`: name to content. */
  readonly files?: Readonly<Record<string, string>>
  /** Lines of `pg_hba.conf`, in place of those that initdb writes. */
  readonly access?: readonly string[]
}

export class Cluster {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'troupe-cluster-'))
  readonly #bin: string
  readonly #owner = unprivileged()

  constructor({ bin, port, password, settings = {}, files = {}, access }: ClusterOptions) {
    this.#bin = bin
    this.port = port
    chmodSync(this.#folder, 0o700)
    const secret = join(this.#folder, 'password')
    writeFileSync(secret, password ?? '', { mode: 0o600 })
    for (const file of [this.#folder, secret]) this.#chown(file)
    const authentication = password === undefined ? ['-A', 'trust'] : ['-A', 'scram-sha-256', `--pwfile=${secret}`]
    const text = ['-E', 'UTF8', '--locale=C']
    this.#run('initdb', ['-D', this.#data, '-U', 'postgres', ...authentication, ...text, '--no-sync'])
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(this.#data, name), content, { mode: 0o600 })
      this.#chown(join(this.#data, name))
    }
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'\n`)
    appendFileSync(join(this.#data, 'postgresql.conf'), lines.join(''))
    if (access) writeFileSync(join(this.#data, 'pg_hba.conf'), `${access.join('\n')}\n`)
  }

  /** Without a password. */
  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`
  }

  start(): void {
    this.#run('pg_ctl', this.#starting)
  }

  /** As if it crashed: what it acknowledged must be found in its log. */
  stop(): void {
    this.#run('pg_ctl', this.#stopping)
  }

  /** Both, while this process goes on. */
  async restart(): Promise<void> {
    for (const options of [this.#stopping, this.#starting]) {
      const running = spawn(join(this.#bin, 'pg_ctl'), options, {
        ...this.#spawnOptions,
        stdio: 'ignore',
      } as SpawnOptions)
      const [code] = (await once(running, 'exit')) as [number | null]
      if (code !== 0) throw new Error(`pg_ctl ${options.join(' ')}: ${code}`)
    }
  }

  dispose(): void {
    try {
      this.stop()
    } finally {
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }

  get #starting(): readonly string[] {
    const options = `-p ${this.port} -k ${this.#folder} -c listen_addresses=127.0.0.1`
    return ['-D', this.#data, '-w', '-l', join(this.#folder, 'log'), '-o', options, 'start']
  }

  get #stopping(): readonly string[] {
    return ['-D', this.#data, '-w', '-m', 'immediate', 'stop']
  }

  /** Its own folder: that of the tests may be closed to it. */
  get #spawnOptions() {
    return { cwd: this.#folder, env: { ...process.env, LC_ALL: 'C' }, ...this.#owner }
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  #chown(file: string): void {
    if (this.#owner.uid !== undefined) chownSync(file, this.#owner.uid, this.#owner.gid)
  }

  #run(program: string, options: readonly string[]): void {
    const done = spawnSync(join(this.#bin, program), options, {
      ...this.#spawnOptions,
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if (done.status !== 0) throw new Error(`${program}: ${done.error?.message ?? done.stderr}`)
  }
}

/** Root's servers are those of `postgres` where there is such a user, else of `nobody`; everybody else's are their own. */
export function unprivileged(): { readonly uid: number; readonly gid: number } | { readonly uid?: undefined } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string, user: string) => spawnSync('id', [flag, user], { encoding: 'utf8' })
  const user = ['postgres', 'nobody'].find((name) => id('-u', name).status === 0) ?? '65534'
  return { uid: Number(id('-u', user).stdout), gid: Number(id('-g', user).stdout) }
}

/** A port that nobody listens on at this moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
