/** A pgbouncer in transaction mode before a server, as a user other than root. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unprivileged } from './cluster.ts'
import { problemWith } from './postgres-server.ts'

/** The program, in words that have its version; undefined where there is none. */
export const pgbouncer = (): string | undefined => {
  const { status, stdout } = spawnSync('pgbouncer', ['--version'], { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n')[0] : undefined
}

export interface PoolerOptions {
  /** Of the server. */
  readonly url: string
  readonly port: number
  /** Roles that may log in, without a password. */
  readonly roles: readonly string[]
  /** Connections to the server, so few that each transaction meets another one. */
  readonly connections: number
}

export class Pooler {
  readonly url: string
  readonly #folder = mkdtempSync(join(tmpdir(), 'troupe-pooler-'))
  #child: ChildProcess | undefined

  constructor({ url, port, roles, connections }: PoolerOptions) {
    const server = new URL(url)
    this.url = Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href
    const users = join(this.#folder, 'users')
    writeFileSync(users, roles.map((role) => `"${role}" ""\n`).join(''))
    const settings = [
      '[databases]',
      `* = host=${server.hostname} port=${server.port || 5432}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = trust',
      `auth_file = ${users}`,
      'pool_mode = transaction',
      `default_pool_size = ${connections}`,
      'max_client_conn = 1000',
    ]
    writeFileSync(join(this.#folder, 'settings'), settings.join('\n'))
    const { uid, gid } = { gid: undefined, ...unprivileged() }
    if (uid !== undefined && gid !== undefined) chownSync(this.#folder, uid, gid)
  }

  async start(): Promise<void> {
    this.#child = spawn('pgbouncer', ['-q', join(this.#folder, 'settings')], { ...unprivileged(), stdio: 'ignore' })
    for (let problem: string | undefined = 'not asked yet'; problem; ) {
      if (this.#child.exitCode !== null) throw new Error(`pgbouncer ended: ${problem}`)
      problem = await problemWith(this.url)
    }
  }

  /** At once: every connection through it breaks. */
  async stop(): Promise<void> {
    const ending = this.#child
    this.#child = undefined
    if (!ending || ending.exitCode !== null) return
    ending.kill('SIGKILL')
    await once(ending, 'exit')
  }

  async dispose(): Promise<void> {
    await this.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
