/**
 * Starts an MCP server as a program, and ends it with the processes that it has started: a server behind `npx` or a shell
 * would survive them, and its open pipes would keep this process alive. Linux only; elsewhere the program alone ends.
 */
import { readdir, readFile } from 'node:fs/promises'
import type { StdioClientTransport } from '@modelcontextprotocol/client/stdio'

/** @param Base the class of the SDK, which is loaded on demand */
export function programTransport(Base: typeof StdioClientTransport): typeof StdioClientTransport {
  class ProgramTransport extends Base {
    #ending: Promise<void> | undefined
    /** Resolves when the program has ended, also if the SDK itself has begun to close: its second call does not wait. */
    override close(): Promise<void> {
      if (this.pid !== null) this.#ending ??= endWithChildren(this.pid, () => super.close())
      return this.#ending ?? super.close()
    }
  }
  // Before the program the SDK starts another one to negotiate the protocol, if the class itself has this method to end it.
  const dispose: () => Promise<void> = Reflect.get(Base.prototype, '_dispose')
  Object.assign(ProgramTransport.prototype, {
    _dispose(this: StdioClientTransport) {
      return endWithChildren(this.pid, () => dispose.call(this))
    },
  })
  return ProgramTransport
}

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  /** Tells it from a later process with the same id. */
  readonly startedAt: string
}

async function endWithChildren(program: number | null, end: () => Promise<void>): Promise<void> {
  if (program === null) return end()
  // The children of an ended process get another parent.
  const before = childrenOf([program], await listProcesses())
  await end()
  const now = await listProcesses()
  const left = now.filter(({ pid, startedAt }) => before.some((one) => one.pid === pid && one.startedAt === startedAt))
  const pids = left.map(({ pid }) => pid)
  for (const pid of [...pids, ...childrenOf(pids, now).map((child) => child.pid)])
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It has ended meanwhile.
    }
}

/** Returns the processes that these have started, and those that they have started. */
function childrenOf(parents: readonly number[], all: readonly ProcessEntry[]): readonly ProcessEntry[] {
  const children = all.filter(({ parent }) => parents.includes(parent))
  return children.length === 0
    ? []
    : [
        ...children,
        ...childrenOf(
          children.map(({ pid }) => pid),
          all,
        ),
      ]
}

async function listProcesses(): Promise<readonly ProcessEntry[]> {
  const names = await readdir('/proc').catch(() => [])
  const entries = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readEntry))
  return entries.flat()
}

/** Reads proc_pid_stat(5). The fields follow the name of the program, which may contain anything. */
async function readEntry(pid: string): Promise<ProcessEntry[]> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [parent, startedAt] = [fields[1], fields[19]]
  return startedAt === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), startedAt }]
}
