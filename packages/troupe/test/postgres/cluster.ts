/** A cluster of PostgreSQL of one's own, that can be stopped at once and started again. */
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = '/usr/lib/postgresql'

/** The folder of the newest server's programs, where there is one. */
export const binaries = (): string | undefined =>
  (existsSync(root) ? readdirSync(root) : [])
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((folder) => existsSync(join(folder, 'initdb')))

export class Cluster {
  readonly port: number
  readonly #folder = mkdtempSync(join(tmpdir(), 'troupe-cluster-'))
  readonly #bin: string

  constructor(bin: string, port: number) {
    this.#bin = bin
    this.port = port
    if (process.getuid?.() === 0) {
      const id = (flag: string) => Number(spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout)
      chownSync(this.#folder, id('-u'), id('-g'))
    }
    chmodSync(this.#folder, 0o700)
    this.#run(`${this.#bin}/initdb -D ${this.#data} -U postgres -A trust -E UTF8 --no-sync`)
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`
  }

  start(): void {
    const options = `-p ${this.port} -k ${this.#folder} -c listen_addresses=127.0.0.1`
    this.#run(`${this.#bin}/pg_ctl -D ${this.#data} -w -l ${this.#folder}/log -o "${options}" start`)
  }

  /** As if it crashed: what it acknowledged must be found in its log. */
  stop(): void {
    this.#run(`${this.#bin}/pg_ctl -D ${this.#data} -w -m immediate stop`)
  }

  dispose(): void {
    try {
      this.stop()
    } finally {
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }

  get #data(): string {
    return join(this.#folder, 'data')
  }

  /** A server refuses to be root. */
  #run(command: string): void {
    const [program, ...rest] = process.getuid?.() === 0 ? ['su', 'postgres', '-c', command] : ['sh', '-c', command]
    const done = spawnSync(program as string, rest, { encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] })
    if (done.status !== 0) throw new Error(`${command}: ${done.stderr}`)
  }
}
